import { eventsOf, type JournalRecord, type RecordData } from '@vigil/protocol'
import { memoryTold } from './memory-checks.ts'
import { noticesOnce, peopleAskedOnce, peopleHeard } from './people-checks.ts'
import { requestsAnswered } from './request-checks.ts'
import { slotsAccountedFor } from './slot-checks.ts'
import { approvedFirst, onceRunsOnce } from './tool-checks.ts'
import { channelsBeginAnew, overlapsKept, parkedWait, supersededByNewer } from './turn-checks.ts'

/**
 * What must hold of any log, whatever happened: judged from the records alone. Each check answers with violations in
 * words, none if the promise was kept.
 */
export type JournalCheck = (log: readonly JournalRecord[]) => string[]

/** Records are numbered without gaps, and no process speaks in an epoch that is over. */
const numbered: JournalCheck = (log) => {
  const broken: string[] = []
  const places = new Map<string, { n: number; epoch: number }>()
  for (const [index, { seq, process, n, epoch, type }] of log.entries()) {
    const before = places.get(process) ?? { n: 0, epoch: 0 }
    if (seq !== index + 1) broken.push(`record ${index + 1} calls itself ${seq}`)
    if (n !== before.n + 1) broken.push(`${process}: record ${seq} has place ${n} after ${before.n}`)
    if (epoch < before.epoch)
      broken.push(`${process}: ${type} ${seq} of epoch ${epoch} stands behind epoch ${before.epoch}`)
    if (type === 'incarnation.started' && epoch <= before.epoch)
      broken.push(`${process}: a life began in epoch ${epoch}, which is not new`)
    places.set(process, { n, epoch })
  }
  return broken
}

const ends: ReadonlySet<JournalRecord['type']> = new Set(['turn.completed', 'turn.dead_lettered', 'turn.cancelled'])

/** An event that was accepted waits or ends exactly once, and nothing ends that was not accepted. */
export const endedOnce = (log: readonly JournalRecord[], waiting: ReadonlySet<string>): string[] => {
  const broken: string[] = []
  const accepted = new Map<string, number>()
  const ended = new Map<string, number>()
  const add = (counts: Map<string, number>, process: string, event: string): void => {
    const name = `${event} of ${process}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const end = (process: string, event: string): void => {
    if (!accepted.has(`${event} of ${process}`))
      broken.push(`event ${event} of ${process} ended and was never accepted`)
    add(ended, process, event)
  }
  for (const record of log) {
    if (record.type === 'trigger.accepted') add(accepted, record.process, record.data.event.event_id)
    else if (record.type === 'bus.published' || record.type === 'message.sent')
      for (const { process, event_id } of record.data.deliveries) add(accepted, process, event_id)
    else if (record.type === 'dead_letter.redelivered') add(accepted, record.process, record.data.event.event_id)
    else if (ends.has(record.type))
      for (const id of eventsOf(record.data as Parameters<typeof eventsOf>[0])) end(record.process, id)
    // What it held is gone with it.
    else if (record.type === 'process.removed')
      for (const name of accepted.keys()) if (name.endsWith(` of ${record.process}`)) accepted.delete(name)
  }
  for (const [name, count] of accepted) {
    if (count > 1) broken.push(`event ${name} was accepted ${count} times`)
    const times = ended.get(name) ?? 0
    if (times !== (waiting.has(name) ? 0 : 1)) broken.push(`event ${name} ended ${times} times`)
  }
  return broken
}

/** A slot, a version of a file or an idempotency key is accepted once. */
const acceptedOnce: JournalCheck = (log) => {
  const seen = new Set<string>()
  return log.flatMap((record) => {
    if (record.type !== 'trigger.accepted' || record.data.key === undefined) return []
    const name = `${record.data.event.trigger_id} ${record.data.key} of ${record.process}`
    if (seen.has(name)) return [`${name} was accepted twice`]
    seen.add(name)
    return []
  })
}

/**
 * An outcome is recorded once. What failed or was only read is done again by the next attempt, so those may come again
 * after a throw, and what was in doubt when a person has spoken.
 */
const outcomesOnce: JournalCheck = (log) => {
  const broken: string[] = []
  const turns = new Map<string, Map<string, { readonly keep: boolean }>>()
  const attempts = new Map<string, number>()
  for (const record of log) {
    const turn = `${record.process} ${record.turn}`
    const settled = turns.getOrInsertComputed(turn, () => new Map())
    if (record.type === 'doubt.resolved') settled.delete(record.data.key)
    // Also what was under way when the attempt before failed, and came in after that.
    const isNew = record.type === 'turn.started' && record.data.attempt !== attempts.get(turn)
    if (record.type === 'turn.started') attempts.set(turn, record.data.attempt)
    if (isNew || record.type === 'turn.attempt_failed' || record.type === 'turn.parked') {
      for (const [key, { keep }] of settled) if (!keep) settled.delete(key)
      continue
    }
    const key = effectKey(record)
    if (key === undefined) continue
    if (settled.has(key)) broken.push(`record ${record.seq}: ${key} of turn ${turn} has two outcomes`)
    const keep =
      !('outcome' in record.data) ||
      record.data.outcome === undefined ||
      isKept(record.data as RecordData<'effect.completed'>)
    settled.set(key, { keep })
  }
  return broken
}

/** Done and no mere read, or in doubt, which it stays. */
function isKept({ outcome, rerun }: RecordData<'effect.completed'>): boolean {
  return outcome.ok ? rerun !== true : outcome.error.code === 'EFFECT_IN_DOUBT'
}

function effectKey(record: JournalRecord): string | undefined {
  if (record.turn === undefined) return undefined
  if (record.type === 'effect.completed') return record.data.key
  if (record.type === 'request.decided' || record.type === 'request.expired')
    return record.data.outcome === undefined ? undefined : record.data.key
  // A request begins with its message; its outcome comes later.
  if (record.type === 'message.sent') return record.data.request === undefined ? record.data.key : undefined
  const inside = ['bus.published', 'memory.stored', 'memory.forgotten']
  return inside.includes(record.type) ? (record.data as { key?: string }).key : undefined
}

/** Replay is deterministic: no turn asks for anything else after a crash. */
const neverDiverged: JournalCheck = (log) =>
  log.flatMap((record) =>
    record.type === 'turn.dead_lettered' && record.data.reason === 'diverged'
      ? [`turn ${record.turn} of ${record.process} diverged: ${record.data.error.message}`]
      : [],
  )

/** Nothing takes a body away that somebody needs. */
const bodiesKept: JournalCheck = (log) =>
  log.flatMap((record) =>
    record.type === 'turn.dead_lettered' && record.data.error.code === 'BODY_LOST'
      ? [`turn ${record.turn} of ${record.process} has lost a body: ${record.data.error.message}`]
      : [],
  )

export const journalChecks: readonly JournalCheck[] = [
  numbered,
  acceptedOnce,
  outcomesOnce,
  neverDiverged,
  bodiesKept,
  requestsAnswered,
  peopleAskedOnce,
  peopleHeard,
  noticesOnce,
  slotsAccountedFor,
  parkedWait,
  channelsBeginAnew,
  onceRunsOnce,
  approvedFirst,
  memoryTold,
  overlapsKept,
  supersededByNewer,
]
