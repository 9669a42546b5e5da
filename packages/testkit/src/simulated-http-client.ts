import {
  type Clock,
  type ErrorCode,
  type HttpClient,
  type HttpReply,
  type HttpRequest,
  VigilError,
} from '@vigil/protocol'

/** An answer: a status, a reply whose missing parts are 200 and empty, or what makes one. */
export type SimulatedReply =
  | number
  | {
      readonly status?: number
      readonly statusText?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array
    }
export type SimulatedRoute = SimulatedReply | ((request: HttpRequest) => SimulatedReply | Promise<SimulatedReply>)

export interface SimulatedHttpClient extends HttpClient {
  /** Every request that was sent, oldest first. */
  readonly sent: readonly HttpRequest[]
}

/**
 * A network of functions: 'METHOD url-glob' -> answer. `*` in the glob is any run of characters, `*` as the
 * method any method; the first route that fits answers, no route is FETCH_FAILED as an unreachable host is.
 * With a clock a handler that takes its time meets the request's timeout.
 */
export function simulatedHttpClient(
  routes: Readonly<Record<string, SimulatedRoute>>,
  options: { readonly clock?: Clock } = {},
): SimulatedHttpClient {
  const table = Object.entries(routes).map(([route, answer]) => ({ fits: routeMatcher(route), answer }))
  const sent: HttpRequest[] = []
  const closing = new AbortController()

  return {
    sent,
    async send(request, signal) {
      if (closing.signal.aborted) throw failed(request, 'FETCH_FAILED', 'the client is closed')
      if (signal.aborted) throw failed(request, 'FETCH_FAILED', 'the caller gave up before it was sent')
      sent.push(request)
      const route = table.find(({ fits }) => fits(request))
      if (route === undefined) throw failed(request, 'FETCH_FAILED', 'no route answers')
      const { promise, reject } = Promise.withResolvers<never>()
      const giveUp = (): void => reject(failed(request, 'FETCH_FAILED', 'the caller gave up'))
      const end = (): void => reject(failed(request, 'FETCH_FAILED', 'the client is closed'))
      const timer = options.clock?.setTimer(request.timeoutMs, () =>
        reject(failed(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)),
      )
      signal.addEventListener('abort', giveUp, { once: true })
      closing.signal.addEventListener('abort', end, { once: true })
      try {
        return await Promise.race([answer(route.answer, request), promise])
      } finally {
        timer?.cancel()
        signal.removeEventListener('abort', giveUp)
        closing.signal.removeEventListener('abort', end)
      }
    },
    async close() {
      closing.abort()
    },
  }
}

async function answer(route: SimulatedRoute, request: HttpRequest): Promise<HttpReply> {
  let found: SimulatedReply
  try {
    found = typeof route === 'function' ? await route(request) : route
  } catch (error) {
    // What a handler throws is a connection that broke.
    throw failed(request, 'FETCH_FAILED', (error as Error).message, error)
  }
  const {
    status = 200,
    statusText = '',
    headers = {},
    body = '',
  } = typeof found === 'number' ? { status: found } : found
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  if (bytes.byteLength > request.maxBodyBytes)
    throw failed(request, 'TOO_LARGE', `the reply is longer than ${request.maxBodyBytes} bytes`)
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return { status, statusText, headers: lower, body: bytes }
}

function routeMatcher(route: string): (request: HttpRequest) => boolean {
  const [method, glob] = route.split(' ', 2)
  if (method === undefined || glob === undefined) throw new Error(`a route is 'METHOD url-glob', found '${route}'`)
  const url = new RegExp(`^${glob.split('*').map(RegExp.escape).join('.*')}$`, 's')
  return (request) => (method === '*' || method === request.method) && url.test(request.url)
}

function failed({ method, url }: HttpRequest, code: ErrorCode, reason: string, cause?: unknown): VigilError {
  return new VigilError(code, `${method} ${url.split('?', 1)[0]}: ${reason}`, { cause })
}
