import type { AcceptedEvent, Clock } from '@vigil/protocol'

/** Whether the time of an event that nobody has begun is over: by its wall deadline or, when the wall clock was set back, by its age. */
export function expiries(clock: Clock, ageMs: (event: AcceptedEvent) => number): (event: AcceptedEvent) => boolean {
  return (event) => {
    if (event.expires_at === undefined) return false
    const deadline = Date.parse(event.expires_at)
    return clock.now() >= deadline || ageMs(event) >= deadline - Date.parse(event.timestamp)
  }
}
