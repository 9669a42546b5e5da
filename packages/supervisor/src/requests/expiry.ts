import { errorBody, type Outcome, type RecordData, VigilError } from '@vigil/protocol'
import type { RequestFold } from '../fold/process-fold.ts'

/** What the policy says for people who did not speak in time. Pure. */
export function expiryOf(
  { id, key, at, kind, asked, timeoutMs, onTimeout }: RequestFold,
  nowMs: number,
): RecordData<'request.expired'> {
  const deadline = onTimeout === 'escalate' ? new Date(nowMs + timeoutMs).toISOString() : undefined
  if (deadline !== undefined) return { id, key, policy: onTimeout, deadline }
  const late = `nobody decided it since ${at}`
  const outcome = (): Outcome => {
    switch (onTimeout) {
      case 'default':
        return { ok: true, value: (asked as { readonly default?: unknown }).default ?? null }
      case 'reject':
        return {
          ok: false,
          error: errorBody(new VigilError('REQUEST_EXPIRED', `${late}`, { details: { request: id, kind } })),
        }
      default:
        return { ok: true, value: { approved: onTimeout === 'approve', by: 'policy', reason: late } }
    }
  }
  return { id, key, policy: onTimeout, outcome: outcome() }
}
