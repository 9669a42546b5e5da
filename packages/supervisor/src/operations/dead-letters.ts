import { type Clock, type ProcessName, type Random, type RecordDraft, VigilError } from '@vigil/protocol'
import type { DeadLetter, ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'

/** What people do with events whose turns ended badly: nothing of it happens by itself. */
interface Parts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
}

/** Those that were named, or all. @throws DEAD_LETTER_NOT_FOUND naming the first that is not there */
function chosen(fold: ProcessFold, eventIds: readonly string[] | undefined): DeadLetter[] {
  if (eventIds === undefined) return [...fold.deadLetters]
  return [...new Set(eventIds)].map((id) => {
    const letter = fold.deadLetters.find(({ event }) => event.event_id === id)
    if (letter === undefined) throw new VigilError('DEAD_LETTER_NOT_FOUND', `"${fold.name}" has no dead letter ${id}`)
    return letter
  })
}

/**
 * Puts dead letters into the mailbox again, each as a new event with a turn of its own; all of them or none. Those
 * without their body stay, and cannot be named.
 * Resolves with the ids of the new events, in the order asked for, when they are durable.
 */
export async function redeliver(
  { log, clock, random }: Parts,
  fold: ProcessFold,
  { eventIds, by }: { readonly eventIds?: readonly string[] | undefined; readonly by: string },
): Promise<string[]> {
  const letters = chosen(fold, eventIds).filter((letter) => eventIds !== undefined || letter.lacksBody === undefined)
  const lost = letters.find(({ lacksBody }) => lacksBody)
  if (lost !== undefined)
    throw new VigilError('BODY_LOST', `the body of dead letter ${lost.event.event_id} of "${fold.name}" is gone`)
  const { max } = fold.manifest.mailbox
  if (fold.mailbox.size + letters.length > max) {
    const message = `the mailbox of "${fold.name}" holds ${fold.mailbox.size} events, ${letters.length} more would pass its mailbox.max of ${max}`
    throw new VigilError('MAILBOX_FULL', message)
  }
  const timestamp = new Date(clock.now()).toISOString()
  // A person wants it handled: that its sender gave it less time does not count any more.
  const drafts = letters.map(
    ({ event: { expires_at: _, ...event } }): Extract<RecordDraft, { type: 'dead_letter.redelivered' }> => {
      const again = {
        ...event,
        event_id: random.uuid(),
        timestamp,
        metadata: { ...event.metadata, redelivered_from: event.event_id },
      }
      return { ...author(fold), type: 'dead_letter.redelivered', data: { event_id: event.event_id, event: again, by } }
    },
  )
  await log.commitDurably(drafts)
  return drafts.map(({ data }) => data.event.event_id)
}

/** Forgets dead letters for good; resolves with how many. */
export async function discard(
  { log }: Pick<Parts, 'log'>,
  fold: ProcessFold,
  { eventIds, by }: { readonly eventIds?: readonly string[] | undefined; readonly by: string },
): Promise<number> {
  const event_ids = chosen(fold, eventIds).map(({ event }) => event.event_id)
  if (event_ids.length > 0)
    await log.commitDurably([{ ...author(fold), type: 'dead_letter.discarded', data: { event_ids, by } }])
  return event_ids.length
}

const author = ({ name, epoch }: ProcessFold) => ({ process: name as ProcessName, epoch })
