import { eventsOf, type JournalRecord } from '@vigil/protocol'
import type { Manifest } from '@vigil/supervisor'
import { triggerId } from '@vigil/supervisor/internal'

/** A turn that waits for a person begins nothing and ends in nothing before each of its doubts has a word. */
export function parkedWait(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const parked = new Map<string, Set<string>>()
  for (const record of log) {
    const turn = `${record.turn} of ${record.process}`
    const open = parked.get(turn)
    if (record.type === 'turn.parked') parked.set(turn, new Set(record.data.doubts))
    else if (record.type === 'turn.cancelled') parked.delete(turn)
    else if (record.type === 'doubt.resolved') {
      open?.delete(record.data.key)
      if (open?.size === 0) parked.delete(turn)
    } else if (open !== undefined && goesOn.has(record.type))
      broken.push(`record ${record.seq}: ${record.type} of turn ${turn}, which waits for a word about ${[...open]}`)
  }
  return broken
}

const goesOn: ReadonlySet<JournalRecord['type']> = new Set([
  'turn.started',
  'turn.completed',
  'turn.attempt_failed',
  'turn.dead_lettered',
])

/** What came over a channel is on no record: an attempt that had one and was cut ends, and goes on in no other life. */
export function channelsBeginAnew(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const attempts = new Map<string, { readonly attempt: number; listens: boolean }>()
  for (const record of log) {
    const turn = `${record.turn} of ${record.process}`
    const known = attempts.get(turn)
    if (record.type === 'turn.started') {
      const { attempt } = record.data
      if (known?.attempt !== attempt) attempts.set(turn, { attempt, listens: false })
      else if (known.listens)
        broken.push(`record ${record.seq}: attempt ${attempt} of turn ${turn} had a channel and goes on`)
    } else if (known !== undefined && record.type === 'effect.completed' && record.data.kind === 'channel')
      known.listens ||= record.data.outcome.ok
  }
  return broken
}

/** How many slots of a cron trigger may be unfinished when one more comes. */
const room: Readonly<Record<string, number>> = { skip: 0, buffer_one: 1, cancel_other: 0, terminate_other: 0 }

/** A slot that meets others is taken only as its `overlap` says. */
export function overlapsKept(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const most = new Map<string, number>()
  const unfinished = new Map<string, Set<string>>()
  for (const record of log) {
    if (record.type === 'process.deployed') {
      for (const trigger of (record.data.manifest as unknown as Manifest).triggers)
        if (trigger.type === 'cron')
          most.set(
            `${triggerId(trigger)} of ${record.process}`,
            room[trigger.overlap ?? 'skip'] ?? Number.POSITIVE_INFINITY,
          )
    } else if (record.type === 'trigger.accepted' && record.data.event.type === 'cron') {
      const trigger = `${record.data.event.trigger_id} of ${record.process}`
      const slots = unfinished.getOrInsertComputed(trigger, () => new Set())
      if (slots.size > (most.get(trigger) ?? 0))
        broken.push(`record ${record.seq}: a slot of ${trigger} was taken beside ${slots.size} unfinished ones`)
      slots.add(record.data.event.event_id)
    } else if (
      record.type === 'turn.completed' ||
      record.type === 'turn.cancelled' ||
      record.type === 'turn.dead_lettered'
    )
      for (const id of eventsOf(record.data)) for (const slots of unfinished.values()) slots.delete(id)
  }
  return broken
}

/** Who is not handled because another came stands behind that other: it is newer, and is handled itself. */
export function supersededByNewer(log: readonly JournalRecord[]): string[] {
  const accepted = new Map<string, number>()
  const broken: string[] = []
  for (const record of log) {
    if (record.type === 'trigger.accepted' || record.type === 'dead_letter.redelivered')
      accepted.set(record.data.event.event_id, record.seq)
    else if (record.type === 'bus.published' || record.type === 'message.sent')
      for (const { event_id } of record.data.deliveries) accepted.set(event_id, record.seq)
    else if (record.type === 'turn.cancelled') {
      const by = /^superseded by (\S+)$/.exec(record.data.reason)?.[1]
      if (by === undefined) continue
      const old = accepted.get(record.data.event_id) ?? 0
      if ((accepted.get(by) ?? 0) < old)
        broken.push(`record ${record.seq}: ${record.data.event_id} was given up for ${by}, which is older`)
    }
  }
  return broken
}
