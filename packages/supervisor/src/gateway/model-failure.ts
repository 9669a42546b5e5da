import { type ErrorCode, errorCode, type ModelFailure, type ModelProvider, VigilError } from '@vigil/protocol'
import { codedCause, reasonOf } from './failure-cause.ts'

/** What is known of an answer while it comes. */
export interface Progress {
  /** It may have arrived there. */
  isSent: boolean
  /** Bytes of the answer that came over the wire; absent: none. */
  read?: number
  /** Bytes of what the model has said. */
  answered?: number
  /** The other side has said that there is no more. */
  isDone: boolean
}

/** How one try went wrong. */
export interface TryFailure extends ModelFailure {
  /** Whether another try may help, and when the other side wants it at the earliest. */
  readonly again: boolean
  readonly afterMs?: number
}

export const modelFailure = ({ name }: Pick<ModelProvider, 'name'>, code: ErrorCode, reason: string): VigilError =>
  new VigilError(code, `${name}: ${reason}`)

/** Nobody is there: no byte of the call has left. */
const unreached = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/

export function tryFailure({
  provider,
  error,
  progress,
  nowMs,
}: {
  readonly provider: ModelProvider
  readonly error: unknown
  readonly progress: Progress
  readonly nowMs: number
}): VigilError {
  const failed = (code: ErrorCode, reason: string, details: Omit<TryFailure, 'sent'>): VigilError =>
    new VigilError(code, `${provider.name}: ${reason}`, { details: { sent: progress.isSent ? 1 : 0, ...details } })
  const unknownEnd = { again: false, answered: progress.answered ?? 0 }
  const own = codedCause(error) as VigilError | undefined
  if (own !== undefined) return ownFailure(own, progress, failed)
  const { status } = error as { readonly status?: unknown }
  if (typeof status === 'number') return refusal(error as ApiError, { nowMs, failed })
  if (error instanceof SyntaxError) return failed('MODEL_MALFORMED', error.message, unknownEnd)
  const reason = reasonOf(error)
  if (unreached.test(causeCode(error))) return failed('MODEL_UNAVAILABLE', reason, { again: true })
  // An error that came in the midst of an answer, or a connection that broke before it or in it.
  const code = progress.read === undefined ? 'MODEL_UNAVAILABLE' : 'MODEL_MALFORMED'
  return failed(code, reason, unknownEnd)
}

type Failed = (code: ErrorCode, reason: string, details: Omit<TryFailure, 'sent'>) => VigilError

/** Found here: deadlines, what no answer may be, and where nothing may be sent. */
function ownFailure(own: VigilError, progress: Progress, failed: Failed): VigilError {
  const code = errorCode(own) ?? 'MODEL_UNAVAILABLE'
  const reason = own.message.replace(/^[\w-]+: /, '')
  if (!code.startsWith('MODEL_')) return failed('MODEL_UNAVAILABLE', own.message, { again: false })
  return failed(code, reason, { again: false, ...(progress.isSent ? { answered: progress.answered ?? 0 } : {}) })
}

interface ApiError {
  readonly status: number
  readonly message: string
  readonly code?: string | null
  readonly headers?: Headers
}

function refusal(
  { status, message, code, headers }: ApiError,
  { nowMs, failed }: { readonly nowMs: number; readonly failed: Failed },
): VigilError {
  const afterMs = retryAfterMs(headers, nowMs)
  const reason = message.slice(0, 1_000)
  const details = { status, ...(afterMs === undefined ? {} : { afterMs }) }
  // An account without money stays one.
  if (status === 429) return failed('MODEL_RATE_LIMITED', reason, { ...details, again: code !== 'insufficient_quota' })
  if (status >= 500 || status === 408) return failed('MODEL_UNAVAILABLE', reason, { ...details, again: true })
  return failed('MODEL_REFUSED', reason, { ...details, again: false })
}

function retryAfterMs(headers: Headers | undefined, nowMs: number): number | undefined {
  const exact = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(exact) && exact >= 0) return exact
  const text = headers?.get('retry-after') ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const date = text === '' ? Number.NaN : Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

function causeCode(error: unknown): string {
  let cause: unknown = error
  for (let depth = 0; depth < 6; depth += 1) {
    const { code, cause: next, errors } = (cause ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown[] }
    if (typeof code === 'string' && unreached.test(code)) return code
    cause = next ?? errors?.[0]
  }
  return ''
}
