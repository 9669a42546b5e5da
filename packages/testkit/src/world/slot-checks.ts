import type { JournalRecord } from '@vigil/protocol'
import { type Manifest, nextFires, type Trigger } from '@vigil/supervisor'
import { triggerId } from '@vigil/supervisor/internal'

interface Tally {
  readonly expression: string
  readonly timezone: string
  readonly from: string
  until: string
  /** Fired, folded, dropped and skipped. */
  told: number
}

/** As many as one decision counts: of what lies before them nothing is told. */
const mostCounted = 1_000

/**
 * Each slot of a cron trigger that folds what it missed was fired or is counted, and none twice: the slots between its
 * first and last decision are as many as its records tell of.
 */
export function slotsAccountedFor(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const tallies = new Map<string, Tally>()
  const decided = (name: string, until: string, told: number): void => {
    const tally = tallies.get(name)
    if (tally === undefined) return
    if (until < tally.until) broken.push(`${name} decided about ${until} after it had decided about ${tally.until}`)
    if (told >= mostCounted) return void tallies.delete(name)
    tally.until = until
    tally.told += told
  }
  const watched = new Map<string, { readonly expression: string; readonly timezone: string }>()
  const watch = (process: string, trigger: Trigger): void => {
    if (trigger.type !== 'cron' || trigger.filter !== undefined || (trigger.catchUp ?? 'latest') !== 'latest') return
    const { cronExpression: expression, timezone } = trigger
    watched.set(`${triggerId(trigger)} of ${process}`, { expression, timezone })
  }
  for (const record of log) {
    if (record.type === 'process.deployed') {
      // Another manifest may begin to count anew.
      for (const name of tallies.keys()) if (name.endsWith(` of ${record.process}`)) tallies.delete(name)
      for (const trigger of (record.data.manifest as unknown as Manifest).triggers) watch(record.process, trigger)
    } else if (record.type === 'trigger.added') {
      watch(record.process, record.data.trigger as unknown as Trigger)
    } else if (record.type === 'trigger.removed') {
      // Should it come back it counts anew.
      tallies.delete(`${record.data.trigger_id} of ${record.process}`)
    } else if (record.type === 'trigger.armed') {
      const { trigger_id, from, missed = 0, skipped = 0 } = record.data
      const name = `${trigger_id} of ${record.process}`
      const pattern = watched.get(name)
      if (tallies.has(name)) decided(name, from, missed + skipped)
      else if (pattern !== undefined) tallies.set(name, { ...pattern, from, until: from, told: 0 })
    } else if (record.type === 'trigger.accepted' && record.data.event.type === 'cron') {
      // A person fired it: no slot.
      if (record.data.event.metadata['by'] !== undefined) continue
      const { scheduled_time, missed } = record.data.event.payload as { scheduled_time: string; missed: number }
      decided(`${record.data.event.trigger_id} of ${record.process}`, scheduled_time, 1 + missed)
    }
  }
  for (const [name, { expression, timezone, from, until, told }] of tallies) {
    const passed = nextFires(expression, timezone, new Date(from), told + 1)
    const count = passed.filter((slot) => slot <= until).length
    if (count !== told)
      broken.push(
        `${name}: ${count > told ? 'more' : count} slots passed from ${from} to ${until}, ${told} are told of`,
      )
  }
  return broken
}
