import { type Amounts, at, type Kind, kinds, plus, toDollars, units } from '@vigil/governance'
import { isProcess, type ProcessFold } from '../fold/process-fold.ts'
import { budgetOf, fleetPurse } from '../fold/purse-fold.ts'
import type { World } from '../fold/world.ts'
import type {
  AgentSpend,
  BudgetStatus,
  DaySpend,
  LimitStatus,
  ModelSpend,
  Spend,
  SpendAmounts,
  SpentInPeriods,
} from './budget-surface.ts'

const shown: Readonly<Record<Kind, keyof SpendAmounts>> = {
  usd: 'usd',
  tokens: 'tokens',
  tool_calls: 'toolCalls',
  model_calls: 'modelCalls',
  irreversible: 'irreversible',
  runs: 'runs',
}
const amountOf = (kind: Kind, amount: number): number => (kind === 'usd' ? toDollars(amount) : amount)

export const amountsOf = (amounts: Amounts): SpendAmounts =>
  Object.fromEntries(
    kinds.flatMap((kind) => {
      const amount = amounts[kind] ?? 0
      return amount === 0 ? [] : [[shown[kind], amountOf(kind, amount)]]
    }),
  )

type Spent = { readonly [P in keyof SpentInPeriods]: Amounts }

function spentBy(process: ProcessFold, nowMs: number): Spent {
  const { reserved, periods } = at(process.purse, nowMs, budgetOf(process))
  return { hour: periods.hour.spent, day: periods.day.spent, month: periods.month.spent, reserved }
}

const inDollars = ({ hour, day, month, reserved }: Spent): SpentInPeriods => ({
  hour: amountsOf(hour),
  day: amountsOf(day),
  month: amountsOf(month),
  reserved: amountsOf(reserved),
})

const daysOf = (process: ProcessFold, nowMs: number): DaySpend[] =>
  at(process.purse, nowMs, budgetOf(process)).days.map(({ from, spent }) => ({
    from: new Date(from).toISOString(),
    spent: amountsOf(spent),
  }))

function modelsOf(processes: readonly ProcessFold[], nowMs: number): ModelSpend[] {
  const models = new Map<string, Pick<Spent, 'hour' | 'day' | 'month'>>()
  for (const process of processes)
    for (const [model, purse] of process.spentOn) {
      const { hour, day, month } = at(purse, nowMs, budgetOf(process)).periods
      const before = models.get(model) ?? { hour: {}, day: {}, month: {} }
      models.set(model, {
        hour: plus(before.hour, hour.spent),
        day: plus(before.day, day.spent),
        month: plus(before.month, month.spent),
      })
    }
  return [...models]
    .sort(([a, { month: x }], [b, { month: y }]) => (y.usd ?? 0) - (x.usd ?? 0) || a.localeCompare(b))
    .map(([model, { hour, day, month }]) => ({
      model,
      hour: amountsOf(hour),
      day: amountsOf(day),
      month: amountsOf(month),
    }))
}

export function budgetStatus(process: ProcessFold, nowMs: number): BudgetStatus {
  const budget = budgetOf(process)
  const { budgetPause: pause, budgetRevision: revision } = process
  return {
    revision,
    unlimited: budget.isUnlimited,
    onExceeded: budget.onExceeded,
    limits: limitsOf(process, nowMs),
    held: process.purse.held,
    ...inDollars(spentBy(process, nowMs)),
    days: daysOf(process, nowMs),
    models: modelsOf([process], nowMs),
    ...(pause === undefined
      ? {}
      : {
          paused: {
            ...{ since: pause.at, owner: pause.owner, per: pause.per, kind: shown[pause.kind] },
            ...(pause.until === undefined ? {} : { until: pause.until }),
          },
        }),
  }
}

function limitsOf(process: ProcessFold, nowMs: number): LimitStatus[] {
  const { limits } = budgetOf(process)
  const { periods, reserved } = at(process.purse, nowMs, budgetOf(process))
  const found: LimitStatus[] = []
  for (const kind of kinds) {
    const amount = (value: number | undefined): number => amountOf(kind, value ?? 0)
    const ofTurn = limits.turn[kind]
    if (ofTurn !== undefined) found.push({ per: 'turn', kind: shown[kind], limit: amount(ofTurn) })
    for (const per of units) {
      const limit = limits[per][kind]
      if (limit === undefined) continue
      const { spent, granted } = periods[per]
      const taken = { spent: amount(spent[kind]), reserved: amount(reserved[kind]) }
      found.push({ per, kind: shown[kind], limit: amount(limit + (granted[kind] ?? 0)), ...taken })
    }
  }
  return found
}

/** What everybody has spent in the periods that are now; the purse of the fleet is shown to who sees all. */
export function spendOf(world: World, nowMs: number, isWanted?: (name: string) => boolean): Spend {
  const agents = [...world.values()].filter((process) => isProcess(process) && isWanted?.(process.name) !== false)
  const fleet = isWanted === undefined ? world.get(fleetPurse) : undefined
  const all = agents.map((process) => spentBy(process, nowMs))
  const sum = (of: keyof Spent): Amounts => all.reduce<Amounts>((total, each) => plus(total, each[of]), {})
  return {
    agents: agents.map((process) => agentSpend(process, nowMs)),
    total: inDollars({ hour: sum('hour'), day: sum('day'), month: sum('month'), reserved: sum('reserved') }),
    models: modelsOf(agents, nowMs),
    ...(fleet === undefined ? {} : { fleet: budgetStatus(fleet, nowMs) }),
  }
}

const agentSpend = (process: ProcessFold, nowMs: number): AgentSpend => ({
  name: process.name,
  ...inDollars(spentBy(process, nowMs)),
  days: daysOf(process, nowMs),
  turns: [...process.turns.values()].map(({ turn, purse }) => ({
    turn,
    spent: amountsOf(purse.spent),
    reserved: amountsOf(purse.reserved),
  })),
})
