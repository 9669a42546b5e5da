import { type AcceptedEvent, type JournalRecord, limits, type RecordData, type RecordType } from '@vigil/protocol'
import { removeDeadLetter } from './dead-letter-fold.ts'
import { lacksBody } from './needed-bodies.ts'
import type { DedupeEntry, ProcessFold } from './process-fold.ts'
import { hasTrigger, listens, manualTrigger } from './trigger-fold.ts'
import { settleEffect } from './turn-fold.ts'
import { beginsToWait } from './waiting-lines.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

/** Mailbox and triggers: what was accepted, under which key, and how far each trigger has looked. */
export function foldAccepted(process: ProcessFold, record: Of<'trigger.accepted'>): void {
  const { event, key, body_hash } = record.data
  receive(process, event, record.at)
  if (key !== undefined)
    remember(process, event, key, { eventId: event.event_id, bodyHash: body_hash, atMs: Date.parse(record.at) })
  // What a person fired is no slot and no version of a file, whatever its payload says; nor is what has none any more.
  if (event.metadata['by'] !== undefined || lacksBody(event)) return
  if (event.type === 'cron') {
    const { scheduled_time, missed } = event.payload as { readonly scheduled_time: string; readonly missed: number }
    foldSlots(process, { trigger_id: event.trigger_id, from: scheduled_time, missed })
  }
  if (event.type === 'file_watch') foldFile(process, event)
}

/** A dead letter that comes again is an event of its own: the first one has ended. */
export function foldRedelivered(process: ProcessFold, { at, data }: Of<'dead_letter.redelivered'>): void {
  removeDeadLetter(process, data.event_id)
  receive(process, data.event, at)
}

export const foldArmed = (process: ProcessFold, { data }: Of<'trigger.armed'>): void => foldSlots(process, data)

function foldSlots(process: ProcessFold, { trigger_id, from, missed = 0, skipped = 0 }: RecordData<'trigger.armed'>) {
  // It may have been taken away since it decided; it would then miss what it was not there for.
  if (!listens(process, trigger_id)) return
  process.cronFrom.set(trigger_id, from)
  if (missed + skipped === 0) return
  const before = process.cronCounts.get(trigger_id) ?? { missed: 0, skipped: 0 }
  process.cronCounts.set(trigger_id, { missed: before.missed + missed, skipped: before.skipped + skipped })
}

export function foldBaseline(process: ProcessFold, { data }: Of<'trigger.baseline'>): void {
  if (!hasTrigger(process, data.trigger_id)) return
  const baseline = baselineOf(process, data.trigger_id)
  for (const [path, key] of data.files) baseline.set(path, key)
  for (const path of data.removed ?? []) baseline.delete(path)
}

/** Being delivered is being seen: the same record moves the baseline, so no crash can fall between the two. */
function foldFile(process: ProcessFold, event: AcceptedEvent): void {
  if (!hasTrigger(process, event.trigger_id)) return
  const payload = event.payload as { readonly path: string; readonly event_type: string }
  const baseline = baselineOf(process, event.trigger_id)
  if (payload.event_type === 'deleted') baseline.delete(payload.path)
  else baseline.set(payload.path, String(event.metadata['version']))
}

function baselineOf(process: ProcessFold, triggerId: string): Map<string, string> {
  let baseline = process.baselines.get(triggerId)
  if (baseline === undefined) {
    baseline = new Map()
    process.baselines.set(triggerId, baseline)
  }
  return baseline
}

function receive(process: ProcessFold, event: AcceptedEvent, at: string): void {
  process.accepted += 1
  process.mailbox.set(event.event_id, event)
  beginsToWait(process, event)
  const { trigger_id, event_id } = event
  if (trigger_id !== manualTrigger)
    process.taken.set(trigger_id, {
      count: (process.taken.get(trigger_id)?.count ?? 0) + 1,
      last: { at, eventId: event_id },
    })
  if (event.priority !== undefined) process.prioritized += 1
}

/** Keys live 7 days and 100,000 per trigger; the Map's order is the order of age. */
function remember(process: ProcessFold, event: AcceptedEvent, key: string, entry: DedupeEntry): void {
  const keys = process.dedupe.getOrInsertComputed(event.trigger_id, () => new Map())
  keys.set(key, entry)
  for (const [oldest, { atMs }] of keys) {
    if (keys.size <= limits.dedupeKeys && entry.atMs - atMs <= limits.dedupeMs) return
    keys.delete(oldest)
  }
}

/** A key that came five minutes ago by the clock that was set came five minutes ago by the new one too. */
export function shiftDedupe(process: ProcessFold, byMs: number): void {
  for (const keys of process.dedupe.values())
    for (const [key, entry] of keys) keys.set(key, { ...entry, atMs: entry.atMs + byMs })
}

/**
 * One record is the sender's effect and every receiver's event: naming the subscribers is delivering to
 * them, so no crash can fall between the two.
 */
export function foldDelivery(
  world: ReadonlyMap<string, ProcessFold>,
  record: Of<'bus.published' | 'message.sent'>,
): void {
  for (const delivery of record.data.deliveries) {
    const receiver = world.get(delivery.process)
    if (receiver !== undefined) receive(receiver, deliveredEvent(record, delivery.trigger_id), record.at)
  }
  const sender = world.get(record.process)
  const turn = record.turn === undefined ? undefined : sender?.turns.get(record.turn)
  if (turn === undefined || record.data.key === undefined) return
  if (record.type === 'message.sent' && record.data.request !== undefined) {
    const { to, message_id, key, request } = record.data
    const input = { process: to, event_id: message_id, ...request }
    turn.effects.set(key, {
      key,
      kind: 'request',
      at: record.at,
      attempt: turn.attempt,
      input,
      repeatable: true,
      rerun: false,
    })
    return
  }
  const id =
    record.type === 'bus.published' ? { event_id: record.data.event_id } : { message_id: record.data.message_id }
  settleEffect(turn, {
    key: record.data.key,
    kind: record.type === 'bus.published' ? 'publish' : 'send',
    at: record.at,
    attempt: turn.attempt,
    repeatable: false,
    rerun: false,
    outcome: { ok: true, value: { ...id, deliveries: record.data.deliveries.length } },
  })
}

/** What delivers, whoever it is delivered to. */
type Delivering = {
  readonly [T in 'bus.published' | 'message.sent']: {
    readonly type: T
    readonly data: Omit<RecordData<T>, 'deliveries'>
  }
}['bus.published' | 'message.sent']

/** The event as the receiver of a publication or message sees it. */
export function deliveredEvent(record: Delivering, triggerId: string): AcceptedEvent {
  if (record.type === 'bus.published') {
    const { event_id, topic, source, data, timestamp } = record.data
    return {
      event_id,
      trigger_id: triggerId,
      type: 'event',
      timestamp,
      payload: { event_type: topic, event_id, source, data },
      metadata: {},
    }
  }
  const { message_id, topic, sender, content, timestamp, priority, expires_at, request } = record.data
  const payload = { ...(topic === undefined ? {} : { topic }), message_id, sender, content }
  return {
    event_id: message_id,
    trigger_id: triggerId,
    type: 'message',
    timestamp,
    payload,
    metadata: request === undefined ? {} : { reply_by: request.deadline },
    ...(priority === undefined ? {} : { priority }),
    ...(expires_at === undefined ? {} : { expires_at }),
  }
}
