/**
 * Durations as people write them: `250ms`, `30s`, `5m`, `4h`, `7d`, or a number of seconds. Everything
 * behind the schema counts in milliseconds.
 */
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/** Timers of the platform count in 32 bits; a longer wait would fire at once, so nothing longer is accepted. */
const longestMs = 24 * 86_400_000

/** What is compared with an age waits for no timer. */
export const longestAgeMs = 36_500 * 86_400_000

/** Milliseconds, or undefined when the value is no duration from 0 to 24 days, or to `mostMs`. */
export function parseDuration(value: unknown, mostMs = longestMs): number | undefined {
  const ms = typeof value === 'number' ? value * 1_000 : fromText(value)
  return ms !== undefined && ms >= 0 && ms <= mostMs ? Math.round(ms) : undefined
}

function fromText(value: unknown): number | undefined {
  const match = typeof value === 'string' ? pattern.exec(value.trim()) : null
  if (match === null) return undefined
  return Number(match[1]) * (unitMs[match[2] as string] as number)
}
