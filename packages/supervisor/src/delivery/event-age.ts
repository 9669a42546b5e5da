import type { AcceptedEvent, Clock } from '@vigil/protocol'

/**
 * How long ago an event came, in milliseconds. The record has its wall time, for the life of ring 0 that finds it; from the
 * first look on it ages by the monotonic clock, and no step of the wall clock makes it older or younger.
 */
export function eventAges(clock: Clock): (event: AcceptedEvent) => number {
  const births = new WeakMap<AcceptedEvent, number>()
  return (event) => {
    const age = (): number => Math.max(0, clock.now() - Date.parse(event.timestamp))
    return clock.monotonic() - births.getOrInsertComputed(event, () => clock.monotonic() - age())
  }
}
