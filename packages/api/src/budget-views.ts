import type { AmountsView, BudgetView, SpendView, SpentView } from '@vigil/protocol'
import type { BudgetStatus, Spend, SpendAmounts, SpentInPeriods } from '@vigil/supervisor'

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

export const budgetView = (budget: BudgetStatus): BudgetView => ({
  revision: budget.revision,
  unlimited: budget.unlimited,
  on_exceeded: budget.onExceeded,
  limits: budget.limits.map((limit) => ({ ...limit, kind: words[limit.kind] })),
  held: budget.held,
  ...spentView(budget),
  ...(budget.paused === undefined ? {} : { paused: { ...budget.paused, kind: words[budget.paused.kind] } }),
})

export const spendView = ({ agents, total, fleet }: Spend): SpendView => ({
  agents: agents.map((agent) => ({
    name: agent.name,
    ...spentView(agent),
    turns: agent.turns.map(({ turn, spent, reserved }) => ({
      turn,
      spent: amountsView(spent),
      reserved: amountsView(reserved),
    })),
  })),
  total: spentView(total),
  ...(fleet === undefined ? {} : { fleet: budgetView(fleet) }),
})
