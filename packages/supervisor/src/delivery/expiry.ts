import type { AcceptedEvent, Clock } from '@vigil/protocol'
import { waitLeft } from './wait-left.ts'

/**
 * Whether the time of an event that nobody has begun is over: by its wall deadline or, when the wall clock was set back, as
 * long after it was first looked at as its sender asked for.
 */
export function expiries(clock: Clock): (event: AcceptedEvent) => boolean {
  const ends = new WeakMap<AcceptedEvent, number>()
  return (event) => {
    if (event.expires_at === undefined) return false
    const deadline = Date.parse(event.expires_at)
    const askedMs = deadline - Date.parse(event.timestamp)
    const end = ends.getOrInsertComputed(event, () => clock.monotonic() + waitLeft(deadline, askedMs, clock.now()))
    return clock.now() >= deadline || clock.monotonic() >= end
  }
}
