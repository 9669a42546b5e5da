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

/** Request does the reading of all the forms that a URL, headers and a body may have. */
export async function fetchInput(url: string | URL | Request, init: FetchInit = {}): Promise<FetchInput> {
  const { idempotent, timeout, ...rest } = init
  const request = new Request(url, rest)
  const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer()).toString('base64')
  return {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    ...(body === undefined ? {} : { body }),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
  }
}

const bodiless = new Set([101, 103, 204, 205, 304])

export function responseOf(value: unknown, url: string): Response {
  const { status, statusText, headers, body } = value as Reply
  const response = new Response(bodiless.has(status) ? null : Buffer.from(body, 'base64'), { status, statusText, headers })
  Object.defineProperty(response, 'url', { value: url })
  return response
}
