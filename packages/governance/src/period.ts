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
export const periodEnd = (unit: Unit, atMs: number, calendar: Calendar): number =>
  unit === 'hour' ? hourEnd(atMs, calendar) : between(unit, atMs, calendar).end

/** The first instant, ms, of the day of `atMs`. */
export const dayStart = (atMs: number, calendar: Calendar): number => between('day', atMs, calendar).start

function hourEnd(atMs: number, { timeZone }: Calendar): number {
  const at = zoned(atMs, timeZone)
  return at.round({ smallestUnit: 'hour', roundingMode: 'floor' }).add({ hours: 1 }).epochMilliseconds
}

function between(unit: 'day' | 'month', atMs: number, { timeZone, resetHour }: Calendar) {
  const date = zoned(atMs, timeZone).toPlainDate()
  const first = unit === 'day' ? date : date.with({ day: 1 })
  const start = (periods: number): number =>
    first
      .add(unit === 'day' ? { days: periods } : { months: periods })
      .toZonedDateTime({ timeZone, plainTime: { hour: resetHour } }).epochMilliseconds
  return start(0) > atMs ? { start: start(-1), end: start(0) } : { start: start(0), end: start(1) }
}

const zoned = (atMs: number, timeZone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(timeZone)
