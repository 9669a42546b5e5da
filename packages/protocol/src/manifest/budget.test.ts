import { describe, expect, it } from 'vitest'
import { limitRows, limitsOf } from './budget.ts'
import { checkManifest } from './problems.ts'

const check = (budget: unknown, defaults = {}) =>
  checkManifest(
    { name: 'clerk', entrypoint: './clerk.ts', ...(budget === undefined ? {} : { budget }) },
    new Set(),
    defaults,
  )
const limits = (budget: unknown, defaults = {}) => {
  const checked = check(budget, defaults)
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return limitsOf(checked.manifest.budget)
}
const problems = (budget: unknown) => {
  const checked = check(budget)
  return checked.ok ? [] : checked.problems.map(({ path, message, hint }) => ({ path: path.join('.'), message, hint }))
}
const standard = { max_cost_per_invocation: 1, max_daily_cost: 5 }

describe('what holds without a word', () => {
  it.each([
    [undefined, standard],
    [{}, standard],
    [{ max_daily_runs: 9 }, { ...standard, max_daily_runs: 9 }],
    [{ max_daily_cost: 50 }, { ...standard, max_daily_cost: 50 }],
    [{ max_daily_cost: 0.5 }, { max_cost_per_invocation: 0.5, max_daily_cost: 0.5 }],
    [{ max_monthly_cost: 3 }, { max_cost_per_invocation: 1, max_daily_cost: 3, max_monthly_cost: 3 }],
    [{ max_hourly_cost: 0 }, { max_cost_per_invocation: 0, max_daily_cost: 5, max_hourly_cost: 0 }],
    ['unlimited', {}],
    [{ unlimited: true }, {}],
  ])('%j has %j', (budget, expected) => {
    expect(limits(budget)).toEqual(expected)
  })

  it('is what the fleet says, and what the agent says field by field over that', () => {
    const defaults = { budget: { max_cost_per_day: 20, on_exceeded: 'stop' } }
    expect(limits(undefined, defaults)).toEqual({ ...standard, max_daily_cost: 20 })
    expect(limits({ max_cost_per_invocation: 2 }, defaults)).toEqual({ max_cost_per_invocation: 2, max_daily_cost: 20 })
    expect(limits('unlimited', defaults)).toEqual({})
    expect(limits({ max_daily_runs: 1 }, { budget: 'unlimited' })).toEqual({ ...standard, max_daily_runs: 1 })
    expect(limits(undefined, { budget: 'unlimited' })).toEqual({})
  })
})

describe('every limit', () => {
  const names = limitRows.flatMap(({ field, aliases }) => [field, ...aliases].map((name) => [name, field] as const))
  it.each(names)('%s is %s', (name, field) => {
    expect(limits({ [name]: 0 })).toMatchObject({ [field]: 0 })
    expect(problems({ [name]: -1 })).toMatchObject([{ path: `budget.${name}` }])
    expect(problems({ [name]: 'much' })).toMatchObject([
      { path: `budget.${name}`, message: expect.stringMatching(/found "much"$/) },
    ])
  })
  it('has the names of the older runtime, and those of the contract', () => {
    const all = names.map(([name]) => name)
    for (const name of [
      'max_llm_turns_per_run',
      'max_runs_per_day',
      'max_tool_calls_per_day',
      'max_cost_per_run',
      'max_irreversible_per_run',
      'max_hourly_tokens',
    ])
      expect(all).toContain(name)
  })
})

describe('other fields', () => {
  it.each([
    ['tool_costs', { pay: { cost: 5, irreversible: true }, look: 0.01, old: { cost_weight: 2 } }],
    ['on_exceeded', 'stop'],
    ['on_exceeded', 'ask'],
    ['on_exceeded', 'escalate'],
    ['on_budget_exceeded', 'pause'],
    ['warning_threshold', 1],
    ['reset_hour', 23],
    ['daily_reset_hour_utc', 6],
    ['timezone', 'Europe/Berlin'],
  ])('%s may be %j', (field, value) => {
    expect(problems({ [field]: value })).toEqual([])
  })
  it.each([
    [
      'tool_costs',
      { pay: 'much' },
      'budget.tool_costs.pay',
      'expected an amount of dollars, or { cost, irreversible }, found "much"',
    ],
    [
      'tool_costs',
      { pay: { cost: -1 } },
      'budget.tool_costs.pay.cost',
      'expected an amount of dollars such as 0.5, found the number -1',
    ],
    ['on_exceeded', 'halt', 'budget.on_exceeded', 'expected one of pause, ask, escalate, stop, found "halt"'],
    [
      'warning_threshold',
      0,
      'budget.warning_threshold',
      'expected a part of the limit such as 0.8, found the number 0',
    ],
    ['reset_hour', 24, 'budget.reset_hour', 'expected an hour from 0 to 23, found the number 24'],
    ['timezone', 'Mars', 'budget.timezone', 'expected an IANA time zone such as Europe/Berlin, found "Mars"'],
    ['max_dayly_cost', 1, 'budget.max_dayly_cost', 'expected a known field, found max_dayly_cost'],
  ])('%s may not be %j', (field, value, path, message) => {
    expect(problems({ [field]: value })).toMatchObject([{ path, message }])
  })
  it.each<[object, string | undefined, string]>([
    [{ webhook_url: 'https://ops.test/money', format: 'slack' }, undefined, ''],
    [{ webhook_url: '${HOOK}', secret: '${KEY}', event_type: 'ops.budget' }, undefined, ''],
    [{ format: 'slack' }, 'budget.escalation.webhook_url', 'a URL such as'],
    [
      { webhook_url: 'https://ops.test', format: 'slack', event_type: '' },
      'budget.escalation.event_type',
      'the name of an event',
    ],
    [
      { webhook_url: 'https://ops.test', format: 'slack', event: 'x' },
      'budget.escalation.event',
      'expected a known field',
    ],
    [
      { webhook_url: 'https://ops.test' },
      'budget.escalation.secret',
      'expected a secret, with which notices are signed',
    ],
  ])('escalation: %j', (escalation, path, message) => {
    const found = problems({ on_exceeded: 'escalate', escalation })
    expect(found).toMatchObject(path === undefined ? [] : [{ path, message: expect.stringContaining(message) }])
  })
  it('a budget is a section or unlimited', () => {
    expect(problems('endless')).toMatchObject([
      { path: 'budget', message: 'expected a section of fields, or unlimited, found "endless"' },
    ])
  })
  it('a typo is told the name that was probably meant', () => {
    expect(problems({ max_dayly_cost: 1 })).toMatchObject([{ hint: 'did you mean max_daily_cost?' }])
    expect(problems({ max_runs_per_dai: 1 })).toMatchObject([{ hint: 'did you mean max_runs_per_day?' }])
  })
})

describe('contradictions', () => {
  it.each([
    [
      { on_exceeded: 'ask', escalation: { webhook_url: 'https://ops.test', format: 'slack' } },
      'escalation',
      'expected on_exceeded: escalate beside it, found ask, which tells nobody',
    ],
    [
      { max_cost_per_invocation: 20 },
      'max_cost_per_invocation',
      'expected at most max_daily_cost: 5, its default, found 20',
    ],
    [{ max_hourly_runs: 9, max_monthly_runs: 3 }, 'max_hourly_runs', 'expected at most max_monthly_runs: 3, found 9'],
    [
      { max_tokens_per_run: 9, max_tokens_per_hour: 3 },
      'max_tokens_per_run',
      'expected at most max_hourly_tokens: 3, found 9',
    ],
    [{ unlimited: true, max_daily_cost: 1 }, 'max_daily_cost', 'expected no limit beside unlimited, found 1'],
    [
      { max_daily_cost: 1, max_cost_per_day: 2 },
      'max_cost_per_day',
      'expected max_daily_cost once, found it also under its other name, max_cost_per_day',
    ],
  ])('%j', (budget, field, message) => {
    expect(problems(budget)).toMatchObject([{ path: `budget.${field}`, message }])
  })
})
