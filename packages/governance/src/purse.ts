import { type Amounts, least, minus, plus } from './amounts.ts'
import type { Budget } from './budget.ts'
import { dayStart, periodEnd, type Unit, units } from './period.ts'

/** What was spent in the period that is now. */
export interface Tally {
  /** The first instant, ms, of the next period; 0 before the first. */
  readonly until: number
  readonly spent: Amounts
  /** What was given on top of the limit, for this period alone. */
  readonly granted: Amounts
  /** People know that the limit comes near. */
  readonly warned: boolean
}

/** A day that is over, and what it came to. */
export interface EndedDay {
  /** Its first instant, ms. */
  readonly from: number
  readonly spent: Amounts
}

/** Plain data, never changed in place. */
export interface Purse {
  /** By everything that is under way, whenever it began: it may cost that in any period. */
  readonly reserved: Amounts
  readonly periods: { readonly [U in Unit]: Tally }
  /** The clock has leapt: no period begins before a person says that it is right. */
  readonly held: boolean
  /** Those on which something was spent, oldest first, at most `keptDays`. */
  readonly days: readonly EndedDay[]
}

const unused: Tally = { until: 0, spent: {}, granted: {}, warned: false }
export const emptyPurse: Purse = {
  reserved: {},
  periods: { hour: unused, day: unused, month: unused },
  held: false,
  days: [],
}
export const keptDays = 31

/** The purse at that instant. Periods only go forward: by a clock that was set back the old one goes on. */
export function at(purse: Purse, nowMs: number, budget: Budget): Purse {
  if (purse.held || units.every((unit) => nowMs < purse.periods[unit].until)) return purse
  return inEach({ ...purse, days: daysAt(purse, nowMs, budget) }, (tally, unit) => {
    if (nowMs < tally.until) return tally
    // What is under way on a grant may still cost it.
    const granted = least(tally.granted, minus(purse.reserved, budget.limits[unit]))
    return { ...unused, until: periodEnd(unit, nowMs, budget), granted }
  })
}

function daysAt({ periods: { day }, days }: Purse, nowMs: number, budget: Budget): readonly EndedDay[] {
  if (nowMs < day.until || isNothing(day.spent)) return days
  return [...days, { from: dayStart(day.until - 1, budget), spent: day.spent }].slice(-keptDays)
}

const isNothing = (amounts: Amounts): boolean => Object.keys(amounts).length === 0

export const reserve = (purse: Purse, amounts: Amounts): Purse => ({
  ...purse,
  reserved: plus(purse.reserved, amounts),
})

/** What was reserved is free again, and what it came to is spent, also when that is more. */
export const settle = (purse: Purse, reserved: Amounts, spent: Amounts): Purse =>
  inEach({ ...purse, reserved: minus(purse.reserved, reserved) }, (tally) => ({
    ...tally,
    spent: plus(tally.spent, spent),
  }))

/** What was charged at that instant turned out not to have been spent. A period that has begun since then owes nothing for it. */
export function refund(purse: Purse, amounts: Amounts, { atMs, budget }: { atMs: number; budget: Budget }): Purse {
  const from = dayStart(atMs, budget)
  const days = purse.days.map((day) => (day.from === from ? { ...day, spent: minus(day.spent, amounts) } : day))
  return inEach({ ...purse, days: days.filter(({ spent }) => !isNothing(spent)) }, (tally, unit) =>
    periodEnd(unit, atMs, budget) === tally.until ? { ...tally, spent: minus(tally.spent, amounts) } : tally,
  )
}

export const grant = (purse: Purse, amounts: Amounts): Purse =>
  inEach(purse, (tally) => ({ ...tally, granted: plus(tally.granted, amounts), warned: false }))

export const warned = (purse: Purse, unit: Unit): Purse =>
  inEach(purse, (tally, each) => (each === unit ? { ...tally, warned: true } : tally))

export const hold = (purse: Purse): Purse => ({ ...purse, held: true })
export const confirm = (purse: Purse): Purse => ({ ...purse, held: false })

function inEach(purse: Purse, change: (tally: Tally, unit: Unit) => Tally): Purse {
  const { hour, day, month } = purse.periods
  return { ...purse, periods: { hour: change(hour, 'hour'), day: change(day, 'day'), month: change(month, 'month') } }
}
