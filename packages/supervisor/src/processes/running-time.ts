import type { Clock, Timer } from '@vigil/protocol'

/** The running time of one attempt: it stands still while its turn only waits. */
export interface RunningTime {
  /** Of all lives together. */
  readonly ranMs: number
  /** Asked after anything that could change the answer. */
  runs(isRunning: boolean): void
  close(): void
}

export interface RunningTimeOptions {
  readonly limitMs: number
  /** What it ran in lives before this one. */
  readonly ranMs: number
  readonly expired: () => void
  /** A quarter of the limit has gone by: what is put on record now, no death takes back. */
  readonly passed: (ranMs: number) => void
}

const parts = 4

export function runningTime(
  clock: Clock,
  { limitMs, ranMs: before, expired, passed }: RunningTimeOptions,
): RunningTime {
  let ranMs = before
  let sinceMs = clock.monotonic()
  let timer: Timer | undefined
  let isOver = false

  const count = (): void => {
    const nowMs = clock.monotonic()
    if (timer !== undefined) ranMs += nowMs - sinceMs
    sinceMs = nowMs
  }
  const arm = (): void => {
    const part = limitMs / parts
    const next = Math.min(limitMs, (Math.floor(ranMs / part) + 1) * part)
    timer = clock.setTimer(Math.max(0, next - ranMs), () => {
      count()
      // What a timer says has passed; sums of fractions may say a little less.
      ranMs = Math.max(ranMs, next)
      timer = undefined
      if (ranMs >= limitMs) return expired()
      passed(ranMs)
      arm()
    })
  }
  arm()
  return {
    get ranMs() {
      count()
      return ranMs
    },
    runs(isRunning) {
      if (isOver || isRunning === (timer !== undefined)) return
      count()
      if (isRunning) return arm()
      timer?.cancel()
      timer = undefined
    },
    close() {
      count()
      isOver = true
      timer?.cancel()
      timer = undefined
    },
  }
}
