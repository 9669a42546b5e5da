import { type ErrorCode, errorCode } from '@vigil/protocol'
import type { Accepted, HookReply, Refused } from '../../surface.ts'

export type Taken = Accepted | Refused | { readonly challenge: string }

/** Not said to somebody whom a hook did not let in. */
const ofStrangers = new Set<ErrorCode>(['WEBHOOK_UNVERIFIED', 'UNAUTHORIZED', 'SOURCE_DENIED'])
const telling: readonly ErrorCode[] = [
  'KEY_CONFLICT',
  'TOO_LARGE',
  'WEBHOOK_UNVERIFIED',
  'UNAUTHORIZED',
  'SOURCE_DENIED',
]

/**
 * One answer of all hooks that share a path: accepted if any accepts. If none does, a failure that may pass comes
 * first, because the sender should come again; then what says most about the request.
 * @throws the error that says most
 */
export function replyOf(taken: readonly Taken[], errors: readonly Error[]): HookReply {
  const accepted = taken.filter((each) => 'accepted' in each && each.accepted)
  const [first] = accepted
  if (first !== undefined) {
    const refused = errors
      .flatMap((error) => errorCode(error) ?? ['INTERNAL' as const])
      .filter((code) => !ofStrangers.has(code))
    return {
      accepted: true,
      eventId: first.eventId,
      duplicate: accepted.every(({ duplicate }) => duplicate),
      ...(accepted.length > 1 ? { eventIds: accepted.map(({ eventId }) => eventId) } : {}),
      ...(refused.length > 0 ? { refused } : {}),
    }
  }
  const passing = errors.find((error) => !telling.includes(errorCode(error) as ErrorCode))
  if (passing !== undefined) throw passing
  const other = taken.find((each) => !('eventId' in each))
  if (other !== undefined) return other as HookReply
  throw telling.flatMap((code) => errors.find((error) => errorCode(error) === code) ?? [])[0] ?? errors[0]
}
