import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Amounts, type Kind, kinds, minus, plus } from './amounts.ts'
import { type Budget, unlimited } from './budget.ts'
import { type Unit, units } from './period.ts'
import { at, emptyPurse, grant, keptDays, type Purse, refund, reserve, settle } from './purse.ts'
import { reference } from './purse-reference.fixture.ts'
import { emptyTurnPurse, exceededBy, exceededInTurn, type TurnPurse } from './room.ts'

/** Purses against one that adds up everything: commands in any order, and both have to say the same after each. */
const steps = process.env['VIGIL_TORTURE'] === undefined ? 2_400 : 100_000
const stepsOfRun = 80
const seed = Number(process.env['VIGIL_SEED'] ?? 1)

const chains: Readonly<Record<string, readonly string[]>> = {
  clerk: ['clerk', '@fleet'],
  boss: ['boss', '@fleet'],
  child: ['child', 'boss', '@fleet'],
}
const owners = ['clerk', 'boss', 'child', '@fleet']

type Command =
  | { readonly do: 'reserve'; readonly agent: string; readonly turn: number; readonly amounts: Amounts }
  | { readonly do: 'settle'; readonly which: number; readonly part: number }
  | { readonly do: 'endTurn'; readonly agent: string; readonly turn: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'grant'; readonly owner: string; readonly usd: number }
  | {
      readonly do: 'limit'
      readonly owner: string
      readonly per: Unit | 'turn'
      readonly kind: Kind
      readonly to: number
    }
  | { readonly do: 'refund'; readonly which: number }
  | { readonly do: 'crash' }

const small = fc.integer({ min: 1, max: 6 })
const amounts: fc.Arbitrary<Amounts> = fc.record(
  { usd: small, tokens: small, tool_calls: fc.constant(1), irreversible: fc.constant(1) },
  { requiredKeys: ['usd'] },
)
const turn = fc.integer({ min: 0, max: 3 })
const agent = fc.constantFrom(...Object.keys(chains))
const hour = 3_600_000
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('reserve' as const), agent, turn, amounts }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(20),
      part: fc.constantFrom(0, 0.5, 1, 1, 1, 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('endTurn' as const), agent, turn }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(60_000, hour / 2, hour, 7 * hour, 40 * hour, 700 * hour, -2 * hour, -40 * hour),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('grant' as const), owner: fc.constantFrom(...owners), usd: small }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      owner: fc.constantFrom(...owners),
      per: fc.constantFrom(...units, 'turn' as const),
      kind: fc.constantFrom(...kinds),
      to: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refund' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
)

/** What a log would hold. */
type Entry =
  | {
      readonly is: 'reserved'
      readonly id: number
      readonly agent: string
      readonly turn: string
      readonly amounts: Amounts
      readonly nowMs: number
    }
  | { readonly is: 'settled'; readonly id: number; readonly spent: Amounts; readonly nowMs: number }
  | {
      readonly is: 'refunded'
      readonly owners: readonly string[]
      readonly turn: string
      readonly amounts: Amounts
      readonly atMs: number
      readonly nowMs: number
    }
  | { readonly is: 'granted'; readonly owner: string; readonly usd: number; readonly nowMs: number }
  | { readonly is: 'limited'; readonly owner: string; readonly budget: Budget }

interface Ledger {
  readonly budgets: Map<string, Budget>
  readonly purses: Map<string, Purse>
  readonly turns: Map<string, TurnPurse>
  readonly open: Map<number, Extract<Entry, { is: 'reserved' }>>
}

const tight: Budget = {
  ...unlimited,
  limits: { turn: { usd: 12, irreversible: 1 }, hour: { tool_calls: 5 }, day: { usd: 20 }, month: { usd: 60 } },
}
const newLedger = (): Ledger => ({
  budgets: new Map(owners.map((owner) => [owner, tight])),
  purses: new Map(owners.map((owner) => [owner, emptyPurse])),
  turns: new Map(),
  open: new Map(),
})
const budgetOf = ({ budgets }: Ledger, owner: string): Budget => budgets.get(owner) ?? tight
const purseOf = ({ purses }: Ledger, owner: string): Purse => purses.get(owner) ?? emptyPurse

function fold(ledger: Ledger, entry: Entry): void {
  const change = (owner: string, nowMs: number, how: (purse: Purse) => Purse): void =>
    void ledger.purses.set(owner, how(at(purseOf(ledger, owner), nowMs, budgetOf(ledger, owner))))
  if (entry.is === 'limited') ledger.budgets.set(entry.owner, entry.budget)
  else if (entry.is === 'granted') change(entry.owner, entry.nowMs, (purse) => grant(purse, { usd: entry.usd }))
  else if (entry.is === 'refunded') {
    const { owners, turn, amounts, atMs, nowMs } = entry
    for (const owner of owners)
      change(owner, nowMs, (purse) => refund(purse, amounts, { atMs, budget: budgetOf(ledger, owner) }))
    const { spent, reserved } = ledger.turns.get(turn) ?? emptyTurnPurse
    ledger.turns.set(turn, { spent: minus(spent, amounts), reserved })
  } else if (entry.is === 'reserved') {
    for (const owner of chains[entry.agent] ?? []) change(owner, entry.nowMs, (purse) => reserve(purse, entry.amounts))
    const { spent, reserved } = ledger.turns.get(entry.turn) ?? emptyTurnPurse
    ledger.turns.set(entry.turn, { spent, reserved: plus(reserved, entry.amounts) })
    ledger.open.set(entry.id, entry)
  } else {
    const taken = ledger.open.get(entry.id)
    if (taken === undefined) return
    ledger.open.delete(entry.id)
    for (const owner of chains[taken.agent] ?? [])
      change(owner, entry.nowMs, (purse) => settle(purse, taken.amounts, entry.spent))
    const { spent, reserved } = ledger.turns.get(taken.turn) ?? emptyTurnPurse
    ledger.turns.set(taken.turn, { spent: plus(spent, entry.spent), reserved: minus(reserved, taken.amounts) })
  }
}

const part = (of: Amounts, by: number): Amounts =>
  Object.fromEntries(Object.entries(of).map(([kind, amount]) => [kind, Math.round((amount ?? 0) * by)]))

/** Both, side by side. */
function rivals() {
  const log: Entry[] = []
  let ledger = newLedger()
  let nowMs = Date.parse('2026-03-27T20:00:00Z')
  const naive = reference((owner) => budgetOf(ledger, owner))
  const counts = { fitted: 0, refused: 0, days: 0 }
  /** Somebody took more than was reserved, or lowered a limit: from then on a purse can be overdrawn. */
  let strained = false
  const enter = (entry: Entry): void => {
    log.push(entry)
    fold(ledger, entry)
  }
  const settleOne = (id: number, by: number): void => {
    const taken = ledger.open.get(id)
    if (taken === undefined) return
    const kept = naive.open().find((each) => each.turn === taken.turn && each.amounts === taken.amounts)
    const spent = part(taken.amounts, by)
    strained ||= by > 1
    enter({ is: 'settled', id, spent, nowMs })
    naive.happen({ is: 'spent', owners: chains[taken.agent] ?? [], turn: taken.turn, amounts: spent, nowMs })
    // Not before: when a period begins with this, the reservation is taken along into it first.
    if (kept !== undefined) kept.over = true
  }
  const take = ({ agent, turn: nth, amounts: asked }: Extract<Command, { do: 'reserve' }>, id: number): void => {
    const [owners, turn] = [chains[agent] ?? [], `${agent} ${nth}`]
    const holdings = owners.map((owner) => ({ owner, budget: budgetOf(ledger, owner), purse: purseOf(ledger, owner) }))
    const own = { owner: agent, limits: budgetOf(ledger, agent).limits.turn }
    const exceeded =
      exceededInTurn(asked, { ...own, purse: ledger.turns.get(turn) ?? emptyTurnPurse }) ??
      exceededBy(asked, holdings, nowMs)
    const happening = { is: 'taken' as const, owners, turn, amounts: asked, nowMs }
    expect(exceeded === undefined).toBe(naive.fits(happening))
    counts[exceeded === undefined ? 'fitted' : 'refused'] += 1
    if (exceeded !== undefined) return
    enter({ is: 'reserved', id, agent, turn, amounts: asked, nowMs })
    naive.happen(happening)
  }
  const lower = ({ owner, per, kind, to }: Extract<Command, { do: 'limit' }>): void => {
    strained = true
    const before = budgetOf(ledger, owner)
    enter({
      is: 'limited',
      owner,
      budget: { ...before, limits: { ...before.limits, [per]: { ...before.limits[per], [kind]: to } } },
    })
  }
  const grantTo = (owner: string, usd: number): void => {
    enter({ is: 'granted', owner, usd, nowMs })
    naive.happen({ is: 'granted', owners: [owner], turn: '', amounts: { usd }, nowMs })
  }
  const refundOne = (which: number): void => {
    const paid = naive.paid().at(which)
    if (paid === undefined) return
    const { owners, turn, amounts, nowMs: atMs } = paid
    enter({ is: 'refunded', owners, turn, amounts, atMs, nowMs })
    naive.happen({ is: 'spent', owners, turn, amounts: {}, nowMs })
    paid.amounts = {}
  }
  return {
    counts,
    obey(command: Command, id: number): void {
      if (command.do === 'reserve') take(command, id)
      else if (command.do === 'settle') settleOne([...ledger.open.keys()][command.which] ?? -1, command.part)
      else if (command.do === 'endTurn') {
        const ended = [...ledger.open.values()].filter(({ turn }) => turn === `${command.agent} ${command.turn}`)
        for (const { id: open } of ended) settleOne(open, 0)
      } else if (command.do === 'wait') nowMs += command.ms
      else if (command.do === 'grant') grantTo(command.owner, command.usd)
      else if (command.do === 'limit') lower(command)
      else if (command.do === 'refund') refundOne(command.which)
      else {
        ledger = newLedger()
        for (const entry of log) fold(ledger, entry)
      }
    },
    compare(): void {
      for (const owner of owners) {
        const { periods, reserved, days } = at(purseOf(ledger, owner), nowMs, budgetOf(ledger, owner))
        expect(days).toEqual(naive.days(owner, nowMs).slice(-keptDays))
        counts.days = Math.max(counts.days, days.length)
        for (const unit of units)
          for (const kind of ['usd', 'tool_calls'] as const) {
            const limit = (budgetOf(ledger, owner).limits[unit][kind] ?? Infinity) + (periods[unit].granted[kind] ?? 0)
            const is = { spent: periods[unit].spent[kind] ?? 0, reserved: reserved[kind] ?? 0, limit }
            expect(is).toEqual(naive.stand(owner, unit, kind, nowMs))
            if (!strained) expect(is.spent + is.reserved).toBeLessThanOrEqual(limit)
          }
      }
    },
  }
}

test(`in ${steps} steps purses say what adding up everything says, and give no more than they have`, {
  timeout: steps * 10,
}, () => {
  const counts = { fitted: 0, refused: 0, days: 0 }
  const commands = fc.array(command, { minLength: stepsOfRun, maxLength: stepsOfRun, size: 'max' })
  fc.assert(
    fc.property(commands, (given) => {
      const both = rivals()
      for (const [id, each] of given.entries()) {
        both.obey(each, id)
        both.compare()
      }
      counts.fitted += both.counts.fitted
      counts.refused += both.counts.refused
      counts.days = Math.max(counts.days, both.counts.days)
    }),
    { seed, numRuns: steps / stepsOfRun },
  )
  expect(Math.min(counts.fitted, counts.refused)).toBeGreaterThan(steps / 20)
  expect(counts.days).toBeGreaterThan(1)
})
