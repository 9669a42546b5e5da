import { isGone } from '@vigil/journal'
import { type AcceptedEvent, eventsOf, type JournalRecord, type JournalStore, VigilError } from '@vigil/protocol'
import { deliveredEvent } from '../fold/mailbox-fold.ts'
import { goneBody } from '../fold/needed-bodies.ts'
import { newProcessFold, type ProcessFold, type TurnFold } from '../fold/process-fold.ts'
import { applyRecord } from '../fold/world.ts'

/** A turn that has ended, as it stood right before its end, and how it ended. */
export interface EndedTurn {
  readonly turn: TurnFold
  readonly events: readonly AcceptedEvent[]
  readonly end: Extract<JournalRecord, { type: 'turn.completed' | 'turn.dead_lettered' }>
  /** Place of the first record of its last attempt. */
  readonly startedAt: number
}

const mostRecords = 20_000
const pageRecords = 1_000

/** @throws TURN_NOT_FOUND when it has not ended, or is older than what is kept · BODY_GONE */
export async function endedTurn(
  journal: JournalStore,
  processes: Iterable<string>,
  fold: ProcessFold,
  id: string,
): Promise<EndedTurn> {
  const records = await recordsOfTurn(journal, fold.name, id)
  const started = records.find((record) => record.type === 'turn.started')
  const end = records.findLast((record) => record.type === 'turn.completed' || record.type === 'turn.dead_lettered')
  if (started?.type !== 'turn.started' || (end?.type !== 'turn.completed' && end?.type !== 'turn.dead_lettered'))
    throw new VigilError('TURN_NOT_FOUND', `"${fold.name}" has no ended turn ${id} on record`)
  const scratch = newProcessFold(fold.name, fold.manifest, fold.bundle)
  const world = new Map([[fold.name, scratch]])
  for (const record of records) if (record.n < end.n) applyRecord(world, record)
  const turn = scratch.turns.get(id)
  if (turn === undefined)
    throw new VigilError('TURN_NOT_FOUND', `turn ${id} of "${fold.name}" was not open when it ended`)
  const events = await Promise.all(eventsOf(started.data).map((event) => eventOf(journal, processes, fold.name, event)))
  const mailbox = new Map(events.map((event) => [event.event_id, event]))
  const goneResult = end.type === 'turn.completed' && isGone(end.data.result)
  if (goneResult || goneBody({ ...scratch, mailbox }) !== undefined)
    throw new VigilError('BODY_GONE', `a large body of turn ${id} of "${fold.name}" is not kept any more`)
  const attempt = records.find((record) => record.type === 'turn.started' && record.data.attempt === turn.attempt)
  return { turn, events, end, startedAt: (attempt ?? started).n }
}

async function recordsOfTurn(journal: JournalStore, process: string, turn: string): Promise<JournalRecord[]> {
  const found: JournalRecord[] = []
  for (let after = 0; found.length < mostRecords; ) {
    const { records } = await journal.page({ process, turn, after, limit: pageRecords, order: 'oldest_first' })
    found.push(...records)
    const last = records.at(-1)
    if (last === undefined || records.length < pageRecords) break
    after = last.n
  }
  return found
}

/** An event stands in the log of whoever accepted it, or of whoever published or sent it. */
async function eventOf(
  journal: JournalStore,
  processes: Iterable<string>,
  process: string,
  eventId: string,
): Promise<AcceptedEvent> {
  for (const type of ['trigger.accepted', 'dead_letter.redelivered'] as const) {
    const record = await find(
      journal,
      process,
      type,
      (each) => 'event' in each.data && (each.data.event as AcceptedEvent).event_id === eventId,
    )
    if (record !== undefined && 'event' in record.data) return record.data.event as AcceptedEvent
  }
  for (const author of processes) {
    for (const type of ['bus.published', 'message.sent'] as const) {
      const record = await find(journal, author, type, (each) => deliveryOf(each, process, eventId) !== undefined)
      const delivery = record === undefined ? undefined : deliveryOf(record, process, eventId)
      if (record?.type === 'bus.published' || record?.type === 'message.sent')
        return deliveredEvent(record, delivery?.trigger_id ?? '')
    }
  }
  throw new VigilError('TURN_NOT_FOUND', `event ${eventId} of "${process}" is not in what is kept of the log`)
}

const deliveryOf = (record: JournalRecord, process: string, eventId: string) =>
  record.type === 'bus.published' || record.type === 'message.sent'
    ? record.data.deliveries.find((each) => each.process === process && each.event_id === eventId)
    : undefined

/** The newest that fits, among as many as are looked at. */
async function find(
  journal: JournalStore,
  process: string,
  type: JournalRecord['type'],
  fits: (record: JournalRecord) => boolean,
): Promise<JournalRecord | undefined> {
  let before: number | undefined
  for (let seen = 0; seen < mostRecords; seen += pageRecords) {
    const query = { process, type, limit: pageRecords, ...(before === undefined ? {} : { before }) }
    const { records } = await journal.page({ ...query, bodies: 'named' })
    const found = records.find(fits)
    if (found !== undefined)
      return (await journal.page({ process, after: found.n - 1, before: found.n + 1, limit: 1 })).records[0]
    before = records.at(-1)?.n
    if (records.length < pageRecords) return undefined
  }
  return undefined
}
