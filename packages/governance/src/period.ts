export type Unit = 'hour' | 'day' | 'month'
export const units: readonly Unit[] = ['hour', 'day', 'month']

/** Where days and months begin. */
export interface Calendar {
  /** IANA. */
  readonly timeZone: string
  /** 0 to 23, on the clocks of the zone. */
  readonly resetHour: number
}

/**
 * The first instant, ms, that no longer belongs to the period of `atMs`. A day on which the clocks skip the reset hour begins right
 * after the gap, and one on which it comes twice begins at the first.
 */
export function periodEnd(unit: Unit, atMs: number, { timeZone, resetHour }: Calendar): number {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(timeZone)
  if (unit === 'hour')
    return at.round({ smallestUnit: 'hour', roundingMode: 'floor' }).add({ hours: 1 }).epochMilliseconds
  const begins = (date: Temporal.PlainDate): number =>
    date.toZonedDateTime({ timeZone, plainTime: { hour: resetHour } }).epochMilliseconds
  const first = unit === 'day' ? at.toPlainDate() : at.toPlainDate().with({ day: 1 })
  const start = begins(first)
  return start > atMs ? start : begins(first.add(unit === 'day' ? { days: 1 } : { months: 1 }))
}
