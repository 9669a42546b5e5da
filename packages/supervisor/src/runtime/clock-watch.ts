import type { Clock, ProcessName, Timer } from '@vigil/protocol'
import type { RecordLog } from './record-log.ts'

/** A step that is worth a record; what NTP corrects by degrees stays far below it between two looks. */
const stepMs = 60_000
const everyMs = 60_000

export interface ClockWatch {
  /** Whether the wall clock was set since the last look: puts that on record, and tells. */
  look(): void
  close(): void
}

/** Compares the wall clock with the monotonic one, which nobody can set: where they part, the wall clock was stepped. */
export function clockWatch({
  log,
  clock,
  stepped,
}: {
  readonly log: RecordLog
  readonly clock: Clock
  readonly stepped: () => void
}): ClockWatch {
  const offset = (): number => clock.now() - clock.monotonic()
  let known = offset()
  let timer: Timer

  const look = (): void => {
    const now = offset()
    const by_ms = Math.round(now - known)
    known = now
    if (Math.abs(by_ms) <= stepMs) return
    log.commit([{ process: '@runtime' as ProcessName, epoch: 0, type: 'clock.stepped', data: { by_ms } }], 'lazy')
    stepped()
  }

  const again = (): void => {
    timer = clock.setTimer(everyMs, () => {
      again()
      look()
    })
  }
  again()
  return { look, close: () => timer.cancel() }
}
