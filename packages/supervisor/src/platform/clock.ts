import { type Clock, timerHeap } from '@vigil/protocol'

/**
 * Real time. All waits of ring 0 share one timer of the platform: ten thousand sleeping agents cost ten
 * thousand heap entries and one timeout. A wait runs on the monotonic clock and never ends early.
 */

/** The longest delay that setTimeout takes; a longer one would fire at once. */
const longestTimeoutMs = 2 ** 31 - 1

/** A clock on the time of this machine. After `close` nothing fires any more, and nothing keeps the process alive. */
export function systemClock(): Clock & { close(): void } {
  const heap = timerHeap()
  let closed = false
  let timeout: NodeJS.Timeout | undefined
  let wakesAt = Number.POSITIVE_INFINITY

  const arm = (): void => {
    const deadline = heap.first()?.deadline ?? Number.POSITIVE_INFINITY
    if (deadline === wakesAt) return
    clearTimeout(timeout)
    timeout = undefined
    wakesAt = deadline
    if (deadline === Number.POSITIVE_INFINITY) return
    // A wait beyond the longest timeout wakes in between, finds nothing due and is armed again.
    timeout = setTimeout(wake, Math.min(Math.max(0, Math.ceil(deadline - performance.now())), longestTimeoutMs))
  }

  const wake = (): void => {
    wakesAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    // Timers armed by what fires here wait for the next wake: a chain of zero delays must not starve the loop.
    const fence = heap.nextOrder
    try {
      for (
        let next = heap.first();
        next !== undefined && next.deadline <= now && next.order < fence;
        next = heap.first()
      ) {
        heap.remove(next)
        next.fire()
      }
    } finally {
      // Also when a callback threw: the others must not wait for somebody to arm a new timer.
      if (!closed) arm()
    }
  }

  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer(delayMs, fire) {
      if (closed) return { cancel: () => {} }
      const entry = heap.add(performance.now() + Math.max(0, delayMs), fire)
      arm()
      return {
        cancel() {
          heap.remove(entry)
          if (!closed) arm()
        },
      }
    },
    close() {
      closed = true
      heap.clear()
      clearTimeout(timeout)
    },
  }
}
