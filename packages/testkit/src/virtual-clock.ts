import { type Clock, timerHeap } from '@vigil/protocol'

/**
 * Time that moves only when a test says so. Timers fire in the order of their deadlines, each at exactly
 * its own instant, and whatever a timer sets off is done before the next one fires.
 */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass. `advance(0)` only lets run what is ready to run. */
  advance(ms: number): Promise<void>
  /** Moves the wall time by `ms` (below zero: back) as an operator or NTP would; waits are not touched. */
  stepWall(ms: number): void
  /** How many timers are armed. */
  pending(): number
}

/** More timers in one advance than any honest test has: something re-arms itself without letting time pass. */
const mostFires = 1_000_000

/** setImmediate comes after every microtask, however long their chain is. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock that stands at `now` (wall time, milliseconds since the epoch; default 2026-01-01T00:00:00Z). */
export function virtualClock(options: { readonly now?: number } = {}): VirtualClock {
  const heap = timerHeap()
  let monotonic = 0
  let offset = options.now ?? Date.UTC(2026, 0, 1)

  return {
    now: () => offset + monotonic,
    monotonic: () => monotonic,
    setTimer(delayMs, fire) {
      const entry = heap.add(monotonic + Math.max(0, delayMs), fire)
      return { cancel: () => heap.remove(entry) }
    },
    async advance(ms) {
      const target = monotonic + ms
      await settled()
      let fires = 0
      for (let next = heap.first(); next !== undefined && next.deadline <= target; next = heap.first()) {
        if (++fires > mostFires)
          throw new Error(`${mostFires} timers fired within ${ms} ms: something re-arms itself with no delay`)
        heap.remove(next)
        monotonic = Math.max(monotonic, next.deadline)
        next.fire()
        await settled()
      }
      monotonic = Math.max(monotonic, target)
    },
    stepWall(ms) {
      offset += ms
    },
    pending: () => heap.size,
  }
}
