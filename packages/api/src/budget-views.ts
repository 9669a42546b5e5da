import type {
  AmountsView,
  BudgetView,
  DaySpendView,
  ModelSpendView,
  SpendView,
  SpentView,
  TurnSpendView,
} from '@vigil/protocol'
import type {
  BudgetStatus,
  DaySpend,
  ModelSpend,
  Spend,
  SpendAmounts,
  SpentInPeriods,
  TurnSpend,
} from '@vigil/supervisor'

const words: Readonly<Record<keyof SpendAmounts, string>> = {
  usd: 'usd',
  tokens: 'tokens',
  toolCalls: 'tool_calls',
  modelCalls: 'model_calls',
  irreversible: 'irreversible',
  runs: 'runs',
}

const amountsView = (amounts: SpendAmounts): AmountsView =>
  Object.fromEntries(Object.entries(amounts).map(([kind, amount]) => [words[kind as keyof SpendAmounts], amount]))

const spentView = ({ hour, day, month, reserved }: SpentInPeriods): SpentView => ({
  hour: amountsView(hour),
  day: amountsView(day),
  month: amountsView(month),
  reserved: amountsView(reserved),
})

const takenView = ({ spent, reserved }: Pick<TurnSpend, 'spent' | 'reserved'>) => ({
  spent: amountsView(spent),
  reserved: amountsView(reserved),
})

const modelView = ({ model, hour, day, month }: ModelSpend): ModelSpendView => ({
  model,
  hour: amountsView(hour),
  day: amountsView(day),
  month: amountsView(month),
})

const dayView = ({ from, spent }: DaySpend): DaySpendView => ({ from, spent: amountsView(spent) })

export const budgetView = (budget: BudgetStatus): BudgetView => ({
  revision: budget.revision,
  unlimited: budget.unlimited,
  on_exceeded: budget.onExceeded,
  limits: budget.limits.map((limit) => ({ ...limit, kind: words[limit.kind] })),
  held: budget.held,
  ...spentView(budget),
  days: budget.days.map(dayView),
  models: budget.models.map(modelView),
  ...(budget.paused === undefined ? {} : { paused: { ...budget.paused, kind: words[budget.paused.kind] } }),
})

export const spendView = ({ agents, total, models, fleet }: Spend): SpendView => ({
  agents: agents.map((agent) => ({
    name: agent.name,
    ...spentView(agent),
    days: agent.days.map(dayView),
    turns: agent.turns.map((turn) => ({ turn: turn.turn, ...takenView(turn) })),
  })),
  total: spentView(total),
  models: models.map(modelView),
  ...(fleet === undefined ? {} : { fleet: budgetView(fleet) }),
})

export const turnSpendView = ({ process, turn, calls, ...all }: TurnSpend): TurnSpendView => ({
  process,
  turn,
  ...takenView(all),
  calls: calls.map(({ spent, reserved, ...call }) => ({ ...call, ...takenView({ spent, reserved }) })),
})
