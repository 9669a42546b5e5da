import type { Clock, JournalRecord, Timer } from '@vigil/protocol'
import { neededBodies } from '../fold/needed-bodies.ts'
import type { RecordLog } from './record-log.ts'

/**
 * Takes large bodies away when their time is over and nothing needs them any more: old ones by the hour, those of a process that
 * keeps only hashes soon after each turn, and those that a crash left without a line with the others.
 */
export interface BodyRetention {
  /** Takes away at once all that is not needed; returns how many there were. */
  purge(process: string): Promise<number>
  close(): void
}

const roundMs = 3_600_000
const soonMs = 1_000
const defaultRetentionMs = 30 * 24 * 3_600_000
const ends = new Set<JournalRecord['type']>(['turn.completed', 'turn.dead_lettered', 'turn.cancelled'])

export function bodyRetention(log: RecordLog, clock: Clock, failed: (error: Error) => void): BodyRetention {
  const { world, journal } = log
  const due = new Set<string>()
  let hourly: Timer | undefined
  let soon: Timer | undefined
  let closed = false

  const keepsHashes = (process: string): boolean => world.get(process)?.manifest.journal?.bodies === 'hash'

  /** What is written now may be named by a record that is not folded yet, and is young enough to wait. */
  const retentionMs = (process: string): number => {
    if (process.startsWith('@')) return defaultRetentionMs
    const fold = world.get(process)
    if (fold === undefined || keepsHashes(process)) return 0
    return fold.manifest.journal?.bodiesRetentionMs ?? defaultRetentionMs
  }

  const sweep = async (processes: readonly string[], ageMs: (process: string) => number): Promise<number> => {
    const before = new Map(processes.map((process) => [process, clock.now() - ageMs(process)]))
    return (await journal.bodies?.sweep({ before, needed: () => neededBodies(world) })) ?? 0
  }

  const round = async (): Promise<void> => {
    await sweep((await journal.bodies?.processes()) ?? [], retentionMs)
  }

  const arm = (): void => {
    if (!closed) hourly = clock.setTimer(roundMs, () => void round().catch(failed).finally(arm))
  }
  if (journal.bodies !== undefined) arm()

  const sweepDue = async (): Promise<void> => {
    const processes = [...due]
    due.clear()
    await sweep(processes, () => 0)
  }
  const unobserve = log.observe(({ type, process }) => {
    if (closed || !ends.has(type) || !keepsHashes(process)) return
    due.add(process)
    soon ??= clock.setTimer(soonMs, () => {
      soon = undefined
      void sweepDue().catch(failed)
    })
  })

  return {
    purge: (process) => sweep([process], () => 0),
    close() {
      closed = true
      hourly?.cancel()
      soon?.cancel()
      unobserve()
    },
  }
}
