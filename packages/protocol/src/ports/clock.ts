/** A timer that has been armed; cancelling twice is harmless. */
export interface Timer {
  cancel(): void
}

/**
 * Time as ring 0 sees it. Waits run on the monotonic clock; what is shown or persisted is wall time.
 * The simulated twin moves only when a test says so.
 */
export interface Clock {
  /** Wall time, milliseconds since the epoch. */
  now(): number
  /** Milliseconds that never go back; its zero has no meaning. */
  monotonic(): number
  /** Calls `fire` once, not before `delayMs` have passed. `delayMs` below zero counts as zero. */
  setTimer(delayMs: number, fire: () => void): Timer
}
