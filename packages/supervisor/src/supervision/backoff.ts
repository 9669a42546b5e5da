/** Milliseconds before the next try: doubles from the base up to the cap, then takes away up to a quarter, so that a fleet does not come back in step. `chance` in [0, 1). */
export function backoff(
  { baseMs, maxMs }: { readonly baseMs: number; readonly maxMs: number },
  streak: number,
  chance: number,
): number {
  return Math.round(Math.min(maxMs, baseMs * 2 ** Math.min(streak, 30)) * (1 - chance / 4))
}
