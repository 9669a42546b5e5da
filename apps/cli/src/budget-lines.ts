import type { AmountsView, BudgetView, ModelSpendView, SpendView, TurnSpendView } from '@vigil/protocol'
import { align } from './tables.ts'

const amount = (kind: string, value: number): string =>
  kind === 'usd' ? `$${value}` : `${value} ${kind.replace('_', ' ')}`

const amounts = (given: AmountsView): string =>
  Object.entries(given)
    .map(([kind, value]) => amount(kind, value))
    .join(', ') || 'nothing'

/** For the status of a process. */
export function budgetFacts(budget: BudgetView): [string, string][] {
  const { unlimited, limits, paused, held } = budget
  const nearest = limits
    .filter(({ spent = 0, reserved = 0 }) => spent + reserved > 0)
    .map(({ per, kind, limit, spent = 0, reserved = 0 }): [string, string] => [
      '  limit',
      `${amount(kind, limit)} per ${per}: ${amount(kind, spent)} spent, ${amount(kind, reserved)} reserved`,
    ])
  return [
    ['budget', unlimited ? 'unlimited' : `${limits.length} limits; today ${amounts(budget.day)}`],
    ...nearest,
    ...(held ? [['  held', 'the clock has leapt: `vigil confirm-clock`'] as [string, string]] : []),
    ...(paused === undefined ? [] : [['  paused', pauseWords(paused)] as [string, string]]),
  ]
}

const pauseWords = ({ owner, per, kind, until }: NonNullable<BudgetView['paused']>): string =>
  `the ${per} of ${owner} has no ${kind.replace('_', ' ')} left${until === undefined ? '' : `, until ${until}`}`

/** Every limit of a process. */
export function budgetLines(name: string, budget: BudgetView): string[] {
  const rows = budget.limits.map(({ per, kind, limit, spent, reserved }) => [
    ...[per, amount(kind, limit)],
    ...[spent, reserved].map((value) => (value === undefined ? '' : amount(kind, value))),
  ])
  const facts = budgetFacts(budget).map(([fact, words]) => `${fact.trim()}: ${words}`)
  return [
    `${name}, revision ${budget.revision}`,
    ...facts,
    '',
    ...align([['PER', 'LIMIT', 'SPENT', 'RESERVED'], ...rows]),
    ...modelLines(budget.models),
    ...dayLines(budget),
  ]
}

const modelLines = (models: readonly ModelSpendView[]): string[] =>
  models.length === 0
    ? []
    : [
        '',
        ...align([
          ['MODEL', 'DAY', 'MONTH'],
          ...models.map(({ model, day, month }) => [model, amounts(day), amounts(month)]),
        ]),
      ]

const dayLines = ({ days }: BudgetView): string[] =>
  days.length === 0
    ? []
    : ['', ...align([['DAY FROM', 'SPENT'], ...days.map(({ from, spent }) => [from, amounts(spent)])])]

/** One turn, and each call of it that cost something. */
export const turnSpendLines = ({ process, turn, spent, reserved, calls }: TurnSpendView): string[] => [
  `turn ${turn} of ${process}: ${amounts(spent)} spent, ${amounts(reserved)} reserved`,
  ...(calls.length === 0 ? [] : ['']),
  ...align([
    ...(calls.length === 0 ? [] : [['AT', 'CALL', 'SPENT', 'RESERVED']]),
    ...calls.map((call) => [
      call.at,
      call.tool ?? call.model ?? call.kind,
      amounts(call.spent),
      amounts(call.reserved),
    ]),
  ]),
]

export const spendLines = ({ agents, total, models, fleet }: SpendView): string[] => [
  ...align([
    ['PROCESS', 'DAY', 'MONTH', 'RESERVED'],
    ...[...agents, { name: 'all', ...total }].map(({ name, day, month, reserved }) => [
      name,
      ...[day, month, reserved].map(amounts),
    ]),
  ]),
  ...modelLines(models),
  ...(fleet === undefined ? [] : ['', ...budgetLines('the purse of the fleet', fleet)]),
]
