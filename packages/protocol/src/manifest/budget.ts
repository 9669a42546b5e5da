import { z } from 'zod'
import { flag, oneOf, section, text } from './fields.ts'
import { escalationSchema, ofNotify } from './notify.ts'

/** What a budget may limit, and over what. Every limit is a field of its own; here they have their names. */
const periods = { hourly: 'hour', daily: 'day', monthly: 'month' } as const
const ofPeriod = { cost: 'usd', tokens: 'tokens', runs: 'runs', tool_calls: 'tool_calls' } as const
const ofTurn = {
  cost: 'usd',
  tokens: 'tokens',
  tool_calls: 'tool_calls',
  model_calls: 'model_calls',
  irreversible: 'irreversible',
} as const

type Periodic = `max_${keyof typeof periods}_${keyof typeof ofPeriod}`
type OfTurn = `max_${keyof typeof ofTurn}_per_invocation`
export type LimitField = Periodic | OfTurn

export interface LimitRow {
  readonly field: LimitField
  readonly per: 'turn' | (typeof periods)[keyof typeof periods]
  readonly kind: (typeof ofPeriod)[keyof typeof ofPeriod] | (typeof ofTurn)[keyof typeof ofTurn]
  /** How it may be called, too. */
  readonly aliases: readonly string[]
}

type Names<T> = [keyof T & string, T[keyof T]][]

export const limitRows: readonly LimitRow[] = [
  ...(Object.entries(ofTurn) as Names<typeof ofTurn>).map(([word, kind]): LimitRow => {
    const aliases = [`max_${word}_per_run`, ...(word === 'model_calls' ? ['max_llm_turns_per_run'] : [])]
    return { field: `max_${word}_per_invocation`, per: 'turn', kind, aliases }
  }),
  ...(Object.entries(periods) as Names<typeof periods>).flatMap(([every, per]) =>
    (Object.entries(ofPeriod) as Names<typeof ofPeriod>).map(
      ([word, kind]): LimitRow => ({ field: `max_${every}_${word}`, per, kind, aliases: [`max_${word}_per_${per}`] }),
    ),
  ),
]

export const budgetAliases: Readonly<Record<string, string>> = {
  ...Object.fromEntries(limitRows.flatMap(({ field, aliases }) => aliases.map((alias) => [alias, field]))),
  on_budget_exceeded: 'on_exceeded',
  daily_reset_hour_utc: 'reset_hour',
}

const isTimezone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}
export const timezone = () =>
  text('an IANA time zone such as Europe/Berlin').refine(isTimezone, {
    error: 'an IANA time zone such as Europe/Berlin',
  })

/** Above it, millionths of dollars would no longer be whole numbers. */
const most = 1_000_000_000
const dollars = () => {
  const error = 'an amount of dollars such as 0.5'
  return z.number({ error }).min(0, { error }).max(most, { error })
}
const count = () => {
  const error = 'a whole number, 0 or more'
  return z.int({ error }).min(0, { error })
}

const limitShape = Object.fromEntries(
  limitRows.map(({ field, kind }) => [field, (kind === 'usd' ? dollars() : count()).optional()]),
) as { [F in LimitField]: z.ZodOptional<z.ZodNumber> }

const toolCost = z.strictObject(
  { cost: dollars().default(0), irreversible: flag(false) },
  { error: 'an amount of dollars, or { cost, irreversible }' },
)
const hour = 'an hour from 0 to 23'
const part = 'a part of the limit such as 0.8'

const rest = {
  on_exceeded: oneOf(['pause', 'ask', 'escalate', 'stop']),
  warning_threshold: z.number({ error: part }).gt(0, { error: part }).max(1, { error: part }),
  reset_hour: z.int({ error: hour }).min(0, { error: hour }).max(23, { error: hour }),
  timezone: timezone(),
}

/** What may be changed while an agent runs; a field that is null is again what the manifest says. */
export const budgetPatchSchema = z.strictObject(
  Object.fromEntries(
    Object.entries({ ...limitShape, ...rest }).map(([field, schema]) => [field, schema.nullish()]),
  ) as {
    [F in LimitField]: z.ZodOptional<z.ZodNullable<z.ZodNumber>>
  } & { [F in keyof typeof rest]: z.ZodOptional<z.ZodNullable<(typeof rest)[F]>> },
  section,
)
export type BudgetPatch = z.output<typeof budgetPatchSchema>

const words = 'a section of fields, or unlimited'
export const budgetSchema = z.strictObject(
  {
    unlimited: z.literal(true, { error: 'true' }).optional(),
    ...limitShape,
    tool_costs: z.record(text('the name of a tool'), toolCost, { error: 'a map of tools to costs' }).default({}),
    on_exceeded: rest.on_exceeded.default('pause'),
    escalation: escalationSchema.optional(),
    warning_threshold: rest.warning_threshold.default(0.8),
    reset_hour: rest.reset_hour.default(0),
    timezone: rest.timezone.default('UTC'),
  },
  { error: words },
)
export type BudgetDocument = z.output<typeof budgetSchema>

/** Dollars per turn and per day of whoever does not say it otherwise; never more than what it does say allows. */
const defaultCosts = { turn: 1, day: 5 }

/** All limits of a budget, with those that nobody wrote and that hold all the same. */
export function limitsOf(budget: BudgetDocument): Partial<Record<LimitField, number>> {
  const { max_hourly_cost, max_daily_cost, max_monthly_cost, max_cost_per_invocation } = budget
  const written = Object.fromEntries(
    limitRows.flatMap(({ field }) => (budget[field] === undefined ? [] : [[field, budget[field]]])),
  )
  if (budget.unlimited === true) return written
  const daily = max_daily_cost ?? Math.min(defaultCosts.day, max_monthly_cost ?? most)
  const turn = Math.min(defaultCosts.turn, max_hourly_cost ?? most, daily, max_monthly_cost ?? most)
  return { ...written, max_daily_cost: daily, max_cost_per_invocation: max_cost_per_invocation ?? turn }
}

/** What is wrong with where people are told. */
export function ofEscalation({ escalation, on_exceeded: follows }: BudgetDocument): ReturnType<typeof ofNotify> {
  if (escalation === undefined || follows === 'escalate') return ofNotify(escalation, ['escalation'])
  return [
    { path: ['escalation'], expected: 'on_exceeded: escalate beside it', found: `${follows}, which tells nobody` },
  ]
}
