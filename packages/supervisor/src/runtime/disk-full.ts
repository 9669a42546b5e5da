import type { Clock, ProcessName, SpaceState } from '@vigil/protocol'
import type { WakeAdmission } from '../residency/wake-admission.ts'
import type { SupervisorEvents } from '../surface.ts'
import type { RecordLog } from './record-log.ts'

/**
 * What ring 0 does while the disk is full: nothing new begins, and what was begun goes on as long as it can be recorded. Then
 * every life is stopped, because what it did next would be done and not known; it goes on from the record when there is room.
 */
export interface DiskFullParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly admission: Pick<WakeAdmission, 'hold' | 'release'>
  readonly stopLives: () => void
  /** Lets everybody look for what came meanwhile. */
  readonly goOn: () => void
  readonly logLine: SupervisorEvents['log']
}

/** Returns the way to stop it. */
export function whileDiskIsFull({ log, clock, admission, stopLives, goOn, logLine }: DiskFullParts): () => void {
  const author = { process: '@runtime' as ProcessName, epoch: 0 }
  const say = (level: 'warn' | 'error', message: string): void => logLine({ process: '@runtime', level, message })
  let fullSince: number | undefined

  const filled = (): void => {
    if (fullSince !== undefined) return say('warn', 'the disk takes records again, and has no room for new events yet')
    fullSince = clock.monotonic()
    admission.hold()
    log.commit([{ ...author, type: 'journal.disk_filled', data: {} }])
    say('error', 'the disk is full: no event is accepted and no turn begins until there is room')
  }

  const exhausted = (): void => {
    say('error', 'the disk takes nothing at all: every turn is stopped, and goes on from the record when there is room')
    stopLives()
  }

  const freed = (): void => {
    const closed_ms = Math.round(clock.monotonic() - (fullSince ?? clock.monotonic()))
    fullSince = undefined
    log.commit([{ ...author, type: 'journal.disk_freed', data: { closed_ms } }])
    say('warn', `the disk has room again after ${closed_ms} ms: events are accepted and turns go on`)
    admission.release()
    goOn()
  }

  const changed: Readonly<Record<SpaceState, () => void>> = { reserve: filled, exhausted, open: freed }
  return log.journal.space.onChange((state) => changed[state]())
}
