import { hash } from 'node:crypto'
import { type AcceptedEvent, faultPoint, limits, type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Accepted } from '../surface.ts'

export interface Offer {
  readonly event: AcceptedEvent
  /** Dedupe key inside the trigger: cron slot, file version, idempotency key. */
  readonly key?: string | undefined
  /** With a key: the same key with another body is KEY_CONFLICT. */
  readonly body?: unknown
}

/**
 * Takes an event into the mailbox. Resolves when it is durable: from then on it ends exactly once. A duplicate
 * gets the first answer, and also waits until that answer is durable.
 */
export async function accept(log: RecordLog, process: ProcessFold, offer: Offer): Promise<Accepted> {
  const { event, key } = offer
  const text = JSON.stringify(event.payload)
  const body_hash = hashOf(offer, text)
  const first = key === undefined ? undefined : process.dedupe.get(event.trigger_id)?.get(key)
  if (first !== undefined) {
    if (first.bodyHash !== body_hash) {
      throw new VigilError('KEY_CONFLICT', `the key "${key}" came before with another body`, {
        details: { event_id: first.eventId },
      })
    }
    await log.settled()
    return { eventId: first.eventId, accepted: true, duplicate: true }
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.payloadBytes)
    throw new VigilError('TOO_LARGE', `the payload has ${bytes} bytes, at most ${limits.payloadBytes} are taken`)
  if (process.mailbox.size >= process.manifest.mailbox.max) {
    throw new VigilError(
      'MAILBOX_FULL',
      `the mailbox of "${process.name}" holds ${process.mailbox.size} events, its mailbox.max`,
    )
  }
  faultPoint('trigger.before_accept')
  await log.commitDurably([
    {
      process: process.name as ProcessName,
      epoch: process.epoch,
      type: 'trigger.accepted',
      data: { event, ...(key === undefined ? {} : { key }), ...(body_hash === undefined ? {} : { body_hash }) },
    },
  ])
  return { eventId: event.event_id, accepted: true, duplicate: false }
}

/** Nearly always what is compared is the payload itself, whose text is there. */
function hashOf({ event, body }: Offer, payload: string): string | undefined {
  if (body === undefined) return undefined
  return hash('sha256', body === event.payload ? payload : JSON.stringify(body))
}
