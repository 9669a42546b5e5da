/**
 * What is left of a wait that is on record by its wall deadline, in milliseconds: never more than was asked for. The wall
 * clock may have been set back since, and nobody should wait for an hour because of it.
 */
export const waitLeft = (deadlineMs: number, askedMs: number, nowMs: number): number =>
  Math.min(Math.max(0, deadlineMs - nowMs), askedMs)
