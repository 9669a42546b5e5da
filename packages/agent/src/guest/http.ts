import { encodedBody } from './body.ts'
import { codedError } from './coded-error.ts'

/** `fetch` as a system call: what crosses is plain JSON, bodies as base64. */
export interface FetchInput {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly idempotent?: boolean
  readonly timeout_ms?: number
}

export type FetchInit = RequestInit & { readonly idempotent?: boolean; readonly timeout?: number }

interface Reply {
  readonly status: number
  readonly statusText: string
  readonly headers: Record<string, string>
  readonly body: string
}

/**
 * The web's fetch over one call per exchange. Ring 0 never follows a redirect: that is done here, each hop a call of its
 * own, because each may lead to a host that the manifest does not name.
 */
export async function agentFetch(
  exchange: (input: FetchInput) => Promise<unknown>,
  url: string | URL | Request,
  init: FetchInit = {},
): Promise<Response> {
  const signal = init.signal ?? (url instanceof Request ? url.signal : undefined)
  const redirect = init.redirect ?? (url instanceof Request ? url.redirect : 'follow')
  signal?.throwIfAborted()
  let input = await fetchInput(url, init)
  for (let hops = 0; ; hops += 1) {
    const reply = (await untilAborted(exchange(input), signal)) as Reply
    const location = redirects.has(reply.status) ? reply.headers['location'] : undefined
    if (location === undefined || redirect === 'manual') return responseOf(reply, input.url, hops > 0)
    if (redirect === 'error') throw new TypeError(`fetch failed: ${input.url} redirects, and redirect is "error"`)
    if (hops === maxRedirects) throw new TypeError(`fetch failed: more than ${maxRedirects} redirects`)
    input = redirected(input, reply.status, location)
  }
}

const maxRedirects = 20
const redirects = new Set([301, 302, 303, 307, 308])

/** Request does the reading of all the forms that a URL, headers and a body may have. */
async function fetchInput(url: string | URL | Request, init: FetchInit): Promise<FetchInput> {
  const { idempotent, timeout, ...rest } = init
  if (rest.body instanceof FormData || rest.body instanceof ReadableStream) {
    const message =
      'fetch takes a string, bytes or URLSearchParams as body: a form draws a random boundary, a stream can be read once'
    throw codedError({ code: 'INVALID_ARGUMENT', message })
  }
  const request = new Request(url, rest)
  const body = request.body === null ? undefined : encodedBody(Buffer.from(await request.arrayBuffer()), 'a fetch body')
  return {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    ...(body === undefined ? {} : { body }),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
  }
}

/** Meant for the origin that they were sent to. */
const credentials = new Set(['authorization', 'cookie', 'proxy-authorization'])

function redirected({ body, headers, ...rest }: FetchInput, status: number, location: string): FetchInput {
  const url = new URL(location, rest.url)
  const away = url.origin !== new URL(rest.url).origin
  const toGet = (status === 303 && rest.method !== 'HEAD') || (status < 303 && rest.method === 'POST')
  const kept = Object.entries(headers).filter(
    ([name]) => !(away && credentials.has(name)) && !(toGet && name.startsWith('content-')),
  )
  return {
    ...rest,
    url: url.href,
    headers: Object.fromEntries(kept),
    ...(toGet ? { method: 'GET' } : body === undefined ? {} : { body }),
  }
}

const bodiless = new Set([101, 103, 204, 205, 304])

function responseOf({ status, statusText, headers, body }: Reply, url: string, redirected: boolean): Response {
  const response = new Response(bodiless.has(status) ? null : Buffer.from(body, 'base64'), {
    status,
    statusText,
    headers,
  })
  // A Response that a program makes has neither; SDKs read both.
  Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
  return response
}

/** The caller's own signal only ends the waiting: what has begun is recorded at its real outcome. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (signal === null || signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
