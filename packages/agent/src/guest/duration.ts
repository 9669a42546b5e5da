const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of `250`, `'250ms'`, `'30s'`, `'5m'`, `'4h'`, `'7d'`. */
export function milliseconds(duration: number | string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration))
  const ms =
    typeof duration === 'number'
      ? duration
      : match === null
        ? Number.NaN
        : Number(match[1]) * units[match[2] as keyof typeof units]
  if (!(ms >= 0))
    throw new TypeError(`expected milliseconds or a duration such as '30s', found ${JSON.stringify(duration)}`)
  return ms
}
