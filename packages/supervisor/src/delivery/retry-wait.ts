import type { Clock } from '@vigil/protocol'
import type { TurnFold } from '../fold/process-fold.ts'
import { waitLeft } from './wait-left.ts'

/**
 * How long a turn has still to wait for its next attempt, in milliseconds. The record has a wall deadline, for the life of
 * ring 0 that finds it; from then on the wait runs on the monotonic clock, and no step of the wall clock touches it.
 */
export function retryWaits(clock: Clock): (turn: TurnFold) => number {
  const ends = new WeakMap<NonNullable<TurnFold['retry']>, number>()
  return ({ retry }) => {
    if (retry === undefined) return 0
    const [deadline, askedMs] = [Date.parse(retry.at), Date.parse(retry.at) - Date.parse(retry.failedAt)]
    if (!ends.has(retry)) ends.set(retry, clock.monotonic() + waitLeft(deadline, askedMs, clock.now()))
    return (ends.get(retry) ?? 0) - clock.monotonic()
  }
}
