import { expect, test } from 'vitest'
import { type Budget, defaultBudget } from './budget.ts'
import { at, confirm, emptyPurse, grant, hold, type Purse, refund, reserve, settle, warned } from './purse.ts'
import { exceededBy, exceededInTurn, usedUp } from './room.ts'
import { warnings } from './warning.ts'

const noon = Date.parse('2026-05-04T12:00:00Z')
const hour = 3_600_000
const dayMs = 24 * hour
const midnight = noon + 12 * hour
const of = (limits: Partial<Budget['limits']>): Budget => ({
  ...defaultBudget,
  limits: { turn: {}, hour: {}, day: {}, month: {}, ...limits },
})
const holding = (budget: Budget, purse: Purse, owner = 'clerk') => ({ owner, budget, purse })
const spending = (usd: number, purse = emptyPurse, nowMs = noon): Purse =>
  settle(at(purse, nowMs, defaultBudget), {}, { usd })

test('what is reserved and what is spent count alike, up to the limit and no further', () => {
  const budget = of({ day: { usd: 10 } })
  const purse = reserve(spending(4), { usd: 5 })
  expect(exceededBy({ usd: 1 }, [holding(budget, purse)], noon)).toBeUndefined()
  expect(exceededBy({ usd: 2 }, [holding(budget, purse)], noon)).toEqual({
    owner: 'clerk',
    per: 'day',
    kind: 'usd',
    asked: 2,
    limit: 10,
    spent: 4,
    reserved: 5,
    isHopeless: false,
    untilMs: midnight,
  })
})

test('a cost above the reservation is counted, and blocks the next', () => {
  const budget = of({ day: { usd: 10 } })
  const purse = settle(reserve(at(emptyPurse, noon, budget), { usd: 10 }), { usd: 10 }, { usd: 12 })
  expect(purse.periods.day.spent).toEqual({ usd: 12 })
  expect(exceededBy({ usd: 1 }, [holding(budget, purse)], noon)).toMatchObject({ spent: 12, reserved: 0 })
})

test('every purse above is asked, and of several that are empty the last to be filled is named', () => {
  const own = holding(of({ hour: { usd: 10 } }), spending(10))
  const parent = holding(of({ month: { usd: 10 } }), spending(10), 'boss')
  const fleet = holding(of({ day: { usd: 10 } }), spending(10), '@fleet')
  expect(exceededBy({ usd: 1 }, [own, parent, fleet], noon)).toMatchObject({ owner: 'boss', per: 'month' })
  expect(exceededBy({ usd: 1 }, [own, fleet], noon)).toMatchObject({ owner: '@fleet', untilMs: midnight })
  expect(exceededBy({ usd: 1 }, [own], noon + hour)).toBeUndefined()
})

test('what is more than a whole period has never fits', () => {
  const budget = of({ day: { usd: 10 } })
  expect(exceededBy({ usd: 11 }, [holding(budget, emptyPurse)], noon)).toMatchObject({ isHopeless: true })
  expect(
    exceededBy({ usd: 11 }, [holding(budget, grant(at(emptyPurse, noon, budget), { usd: 1 }))], noon),
  ).toBeUndefined()
})

test('a turn has a limit of its own', () => {
  const turn = { owner: 'clerk', limits: { tool_calls: 2 }, purse: { spent: { tool_calls: 1 }, reserved: {} } }
  expect(exceededInTurn({ tool_calls: 1, usd: 1 }, turn)).toBeUndefined()
  expect(exceededInTurn({ tool_calls: 2 }, turn)).toMatchObject({ per: 'turn', kind: 'tool_calls', isHopeless: true })
  expect(exceededInTurn({ irreversible: 1 }, { ...turn, limits: { irreversible: 0 } })).toMatchObject({ limit: 0 })
})

test('a period ends with its time; by a clock that was set back it goes on', () => {
  const budget = of({ day: { usd: 10 } })
  const purse = spending(10)
  const next = at(purse, midnight, budget)
  expect(next.periods.day).toMatchObject({ spent: {}, until: midnight + 24 * hour })
  const later = settle(next, {}, { usd: 10 })
  expect(exceededBy({ usd: 1 }, [holding(budget, later)], noon)).toMatchObject({
    spent: 10,
    untilMs: midnight + 24 * hour,
  })
})

test('what is under way is taken along into the next period, and paid there', () => {
  const budget = of({ day: { usd: 10 } })
  const next = at(reserve(spending(2), { usd: 8 }), midnight, budget)
  expect(exceededBy({ usd: 3 }, [holding(budget, next)], midnight)).toMatchObject({ spent: 0, reserved: 8 })
  expect(settle(next, { usd: 8 }, { usd: 7 }).periods.day.spent).toEqual({ usd: 7 })
})

test('while a purse is held no period begins, and nobody knows when', () => {
  const budget = of({ day: { usd: 10 } })
  const held = hold(spending(10))
  expect(exceededBy({ usd: 1 }, [holding(budget, held)], midnight)).toMatchObject({
    isHopeless: false,
    untilMs: undefined,
  })
  expect(exceededBy({ usd: 1 }, [holding(budget, confirm(held))], midnight)).toBeUndefined()
})

test('a grant is for the period that is now', () => {
  const budget = of({ day: { usd: 10 } })
  const granted = grant(spending(10), { usd: 5 })
  expect(exceededBy({ usd: 5 }, [holding(budget, granted)], noon)).toBeUndefined()
  expect(exceededBy({ usd: 6 }, [holding(budget, granted)], noon)).toMatchObject({ limit: 15 })
  expect(at(granted, midnight, budget).periods.day.granted).toEqual({})
  expect(at(reserve(granted, { usd: 12 }), midnight, budget).periods.day.granted).toEqual({ usd: 2 })
})

test('what was not spent after all is given back', () => {
  const budget = of({ day: { usd: 10 } })
  const back = refund(spending(10), { usd: 4 }, { atMs: noon, budget })
  expect(back.periods.day.spent).toEqual({ usd: 6 })
  // Not to a day that has not paid it.
  const later = refund(at(back, midnight, budget), { usd: 4 }, { atMs: noon, budget })
  expect(later.periods).toMatchObject({ day: { spent: {} }, month: { spent: { usd: 2 } } })
  expect(later.days).toEqual([{ from: midnight - dayMs, spent: { usd: 2 } }])
  expect(refund(later, { usd: 2 }, { atMs: noon, budget }).days).toEqual([])
})

test('the last 31 days on which something was spent are kept', () => {
  let purse = emptyPurse
  for (let day = 0; day < 40; day += 1) if (day !== 38) purse = spending(day, purse, noon + day * dayMs)
  const { days } = at(purse, noon + 50 * dayMs, of({}))
  expect(days).toHaveLength(31)
  expect(days.slice(-2)).toEqual([
    { from: midnight + 36 * dayMs, spent: { usd: 37 } },
    { from: midnight + 38 * dayMs, spent: { usd: 39 } },
  ])
})

test('a turn is not begun for which nothing is left; a limit of nothing is none of that', () => {
  const budget = of({ day: { usd: 10, tokens: 0 }, hour: { runs: 3 } })
  expect(usedUp([holding(budget, reserve(spending(9), { usd: 1 }))], noon)).toBeUndefined()
  expect(usedUp([holding(budget, spending(10))], noon)).toMatchObject({ per: 'day', untilMs: midnight })
  // Beginning is all that a run takes.
  expect(usedUp([holding(of({ day: { runs: 0 } }), emptyPurse)], noon)).toMatchObject({ kind: 'runs', limit: 0 })
})

test('people are warned once in each period, and again when a grant has made room', () => {
  const budget = of({ day: { usd: 10 }, month: { usd: 100 } })
  expect(warnings(holding(budget, spending(7)), noon)).toEqual([])
  const near = spending(8)
  expect(warnings(holding(budget, near), noon)).toEqual([
    { owner: 'clerk', per: 'day', kind: 'usd', limit: 10, spent: 8 },
  ])
  const told = warned(near, 'day')
  expect(warnings(holding(budget, told), noon)).toEqual([])
  expect(warnings(holding(budget, spending(9, told, midnight)), midnight)).toHaveLength(1)
  expect(warnings(holding(budget, spending(4, grant(told, { usd: 5 }))), noon)).toMatchObject([
    { limit: 15, spent: 12 },
  ])
})
