import type { Clock, HttpClient, HttpReply, HttpRequest, Random } from '@vigil/protocol'
import { VigilError } from '@vigil/protocol'

/** The services of the world outside: they remember what was done to them, and suffer on command. */
export interface Outside extends HttpClient {
  /** Everything that was done, also when nobody heard the answer; oldest first. */
  readonly done: readonly Deed[]
  suffer(how: Suffering, ms: number): void
}

export interface Deed {
  readonly method: string
  readonly url: string
  readonly idempotencyKey: string | undefined
  readonly atMs: number
  /** May not be done again. */
  readonly once: boolean
}

/** What the outside answers to a request that reaches it: text, or a whole reply in its own time; default an empty 200. */
export type Answers = (request: HttpRequest) => { readonly status: number; readonly body?: string } | Promise<HttpReply>

export interface OutsideOptions {
  readonly answers?: Answers | undefined
  readonly onceOnly?: ((request: HttpRequest) => boolean) | undefined
}

export type Suffering = 'http_refused' | 'http_500' | 'http_lost_answer'

export function outside(
  clock: Clock,
  random: Random,
  { answers = () => ({ status: 200 }), onceOnly = () => false }: OutsideOptions,
): Outside {
  const done: Deed[] = []
  const suffering = new Map<Suffering, number>()
  const suffers = (how: Suffering): boolean => (suffering.get(how) ?? 0) > clock.monotonic()
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(ms, resolve))

  const reply = (status: number, body = ''): HttpReply => ({
    status,
    statusText: '',
    headers: {},
    body: new TextEncoder().encode(body),
  })
  const failed = ({ method, url }: HttpRequest, code: 'FETCH_FAILED' | 'FETCH_TIMEOUT', reason: string): VigilError =>
    new VigilError(code, `${method} ${url}: ${reason}`)

  return {
    done,
    suffer(how, ms) {
      suffering.set(how, clock.monotonic() + ms)
    },
    async send(request) {
      await sleep(random.next() * 40)
      if (suffers('http_refused')) throw failed(request, 'FETCH_FAILED', 'connection refused')
      const status = suffers('http_500') ? 500 : undefined
      const answer = status === undefined ? answers(request) : { status }
      if (status === undefined) {
        const { method, url, headers } = request
        const once = onceOnly(request)
        done.push({ method, url, idempotencyKey: headers['idempotency-key'], atMs: clock.monotonic(), once })
      }
      if (suffers('http_lost_answer')) {
        await sleep(request.timeoutMs)
        throw failed(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)
      }
      const whole = answer instanceof Promise ? await answer : reply(answer.status, answer.body)
      await sleep(random.next() * 40)
      return whole
    },
    close: () => Promise.resolve(),
  }
}
