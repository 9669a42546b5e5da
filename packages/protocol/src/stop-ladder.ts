/**
 * The rungs of every stop, in milliseconds. A guest that is asked closes by itself; one that does not is terminated;
 * a thread that does not let go costs its cell, which is dead a moment after SIGKILL and buried when its pipes are closed, too.
 */
export const stopLadder = { askMs: 1_000, terminateMs: 500, buryMs: 1_000 } as const
