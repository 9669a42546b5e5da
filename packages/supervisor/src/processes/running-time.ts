import type { Clock, Timer } from '@vigil/protocol'

/** The running time of one turn: it stands still while the turn only waits. */
export interface RunningTime {
  /** Asked after anything that could change the answer. */
  runs(isRunning: boolean): void
  close(): void
}

export function runningTime(clock: Clock, limitMs: number, expired: () => void): RunningTime {
  let leftMs = limitMs
  let sinceMs = clock.monotonic()
  let timer: Timer | undefined = clock.setTimer(leftMs, expired)
  let isOver = false
  return {
    runs(isRunning) {
      if (isOver || isRunning === (timer !== undefined)) return
      if (isRunning) {
        sinceMs = clock.monotonic()
        timer = clock.setTimer(leftMs, expired)
      } else {
        timer?.cancel()
        timer = undefined
        leftMs = Math.max(0, leftMs - (clock.monotonic() - sinceMs))
      }
    },
    close() {
      isOver = true
      timer?.cancel()
      timer = undefined
    },
  }
}
