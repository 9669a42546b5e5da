import { defineTool } from '@vigil/agent'
import type { SpawnSpec } from '@vigil/supervisor'
import { type Fault, judge, nth, ring0, type World, type WorldAgent, type WorldOptions, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** Budgets about which people are asked or told. */
let w: World
afterEach(() => w.close())

const hour = 3_600_000

/** `pay` costs two dollars; the turn ends with what it gives, or with the code of what it rejects. */
function payer(budget: NonNullable<SpawnSpec['budget']>, more: Partial<WorldAgent> = {}) {
  const runs: string[] = []
  const pay = defineTool({
    name: 'pay',
    cost: 2,
    once: true,
    run(_input, ctx) {
      runs.push(ctx.key)
      return 'paid'
    },
  })
  const agent = {
    tools: [pay],
    run: (_event, ctx) => ctx.tools.call('pay', {}).catch(({ code }) => code),
    budget,
    ...more,
  } as WorldAgent
  return { runs, agent }
}

async function live(agent: WorldAgent, faults: readonly Fault[] = [], more: Partial<WorldOptions> = {}): Promise<void> {
  w = world({ seed: 1, agents: { payer: agent }, faults, adopts: false, ...more })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
async function end() {
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations).toEqual([])
  return log
}
const post = (key: string) => void w.client.postEvent('payer', { key }, { idempotencyKey: key })
const status = () => w.supervisor?.get('payer').status()
const requests = async () => (await w.supervisor?.requests()) ?? []
const records = () => [...new Map(w.told.flat().map((record) => [record.seq, record])).values()]
const recordsOf = (type: string) => records().filter((record) => record.type === type)
const ends = () => records().flatMap((record) => (record.type === 'turn.completed' ? [record.data.result] : []))
const decide = async (word: Parameters<NonNullable<World['supervisor']>['decide']>[1]) => {
  const [open] = await requests()
  let result: unknown
  void w.supervisor?.decide(open?.id ?? '', word, 'ada').then(
    () => (result = 'done'),
    (error: unknown) => (result = error),
  )
  await w.run(1_000)
  return result
}

const day = { maxDailyCost: 3, maxCostPerInvocation: 3, onExceeded: 'ask' } as const

test('a call that a day has no room for waits for people without a thread, and is made when they give it more', async () => {
  const { runs, agent } = payer(day)
  await live(agent, [ring0.kill.at(30_000), ring0.cutPower().at(45_000)])
  post('a')
  post('b')
  await w.run(60_000)
  expect(await requests()).toMatchObject([
    {
      kind: 'budget',
      asked: {
        action: 'tool needs $2, and the day of "payer" has no room for it',
        details: { owner: 'payer', per: 'day', kind: 'usd', asked: 2, limit: 3, spent: 2, reserved: 0 },
      },
    },
  ])
  expect([status()?.state, status()?.residency, w.cells.living]).toEqual(['awaiting', 'hibernated', []])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  expect([ends(), runs.length, recordsOf('request.opened').length]).toEqual([['paid', 'paid'], 2, 1])
  expect(recordsOf('budget.granted')).toMatchObject([{ data: { amounts: { usd: 2_000_000 }, by: 'ada' } }])
  expect(recordsOf('budget.exceeded')).toEqual([])
  await end()
})

test('people may give more than what was asked for, and nothing but that', async () => {
  const { agent } = payer(day)
  await live(agent)
  for (const key of ['a', 'b', 'c']) post(key)
  await w.run(10_000)
  for (const edits of [{ usd: -1 }, { tokens: 5 }, { usd: 1, tokens: 5 }, 5, { usd: '5' }])
    expect(await decide({ decision: 'approve', edits })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('expected edits such as {"usd": 5}'),
    })
  expect(await decide({ decision: 'approve', edits: { usd: 5 } })).toBe('done')
  await w.run(10_000)
  expect([ends(), await requests()]).toEqual([['paid', 'paid', 'paid'], []])
  await end()
})

test('a turn gets more than its limit for itself alone', async () => {
  const budget = { maxCostPerInvocation: 3, maxDailyCost: 100, onExceeded: 'ask' } as const
  const { agent } = payer(budget, {
    run: async (_event, ctx) => [
      await ctx.tools.call('pay', { n: 1 }),
      await ctx.tools.call('pay', { n: 2 }).catch(({ code }) => code),
    ],
  })
  await live(agent)
  post('a')
  await w.run(10_000)
  expect(await requests()).toMatchObject([{ asked: { details: { per: 'turn', spent: 2 } } }])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  post('b')
  await w.run(10_000)
  expect(await decide({ decision: 'deny' })).toBe('done')
  await w.run(5_000)
  expect(ends()).toEqual([
    ['paid', 'paid'],
    ['paid', 'BUDGET_EXCEEDED'],
  ])
  await end()
})

test('a turn begins, too, when nothing is left, because only its calls can ask', async () => {
  const { agent } = payer({ ...day, maxDailyCost: 2, maxCostPerInvocation: 2 })
  await live(agent)
  post('a')
  post('b')
  await w.run(10_000)
  expect(await requests()).toMatchObject([{ asked: { details: { limit: 2, spent: 2 } } }])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  expect(ends()).toEqual(['paid', 'paid'])
  await end()
})

test('counts of calls are given in the same way', async () => {
  const { agent } = payer(
    { maxDailyToolCalls: 1, maxDailyCost: 100, maxCostPerInvocation: 10, onExceeded: 'ask' },
    {
      run: async (_event, ctx) => [await ctx.tools.call('pay', { n: 1 }), await ctx.tools.call('pay', { n: 2 })],
    },
  )
  await live(agent)
  post('a')
  await w.run(10_000)
  expect(await decide({ decision: 'approve', edits: { tool_calls: 0.5 } })).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await decide({ decision: 'approve', edits: { tool_calls: 3 } })).toBe('done')
  await w.run(5_000)
  expect(ends()).toEqual([['paid', 'paid']])
  expect(recordsOf('budget.granted')).toMatchObject([{ data: { amounts: { tool_calls: 3 } } }])
  await end()
})

test('who says no ends it: the call rejects, and a turn that throws that is dead-lettered without another attempt', async () => {
  const { runs, agent } = payer(day, { run: (_event, ctx) => ctx.tools.call('pay', {}) })
  await live(agent)
  post('a')
  post('b')
  await w.run(10_000)
  expect(await decide({ decision: 'deny', reason: 'enough' })).toBe('done')
  await w.run(60_000)
  expect(runs).toHaveLength(1)
  expect(recordsOf('turn.dead_lettered')).toMatchObject([{ data: { attempts: 1, error: { code: 'BUDGET_EXCEEDED' } } }])
  expect([status()?.state, recordsOf('request.opened').length]).toEqual(['running', 1])
  await end()
})

test.each<['deny' | 'approve', string]>([
  ['deny', 'BUDGET_EXCEEDED'],
  ['approve', 'paid'],
])('when nobody decides in time the policy says %s', async (onTimeout, second) => {
  const { agent } = payer(day, { approval: { timeout: '1m', onTimeout } } as Partial<WorldAgent>)
  await live(agent, [ring0.kill.at(40_000)])
  post('a')
  post('b')
  await w.run(200_000)
  expect(ends()).toEqual(['paid', second])
  expect(recordsOf('budget.granted')).toHaveLength(onTimeout === 'approve' ? 1 : 0)
  await end()
})

test('what was given and taken by others is asked for again', async () => {
  const { agent } = payer(day, { concurrency: 2 })
  await live(agent)
  for (const key of ['a', 'b', 'c']) post(key)
  await w.run(10_000)
  expect(await requests()).toHaveLength(2)
  // Two dollars for each of the two, and the purse has one.
  for (let n = 0; n < 2; n += 1) expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(10_000)
  expect(ends()).toEqual(['paid', 'paid', 'paid'])
  await end()
})

const notify = { webhookUrl: 'https://ops.test/money', format: 'slack', eventType: 'ops.budget' } as const
const escalating = { maxDailyCost: 3, maxCostPerInvocation: 3, onExceeded: 'escalate', escalation: notify } as const

test.each<[string, readonly Fault[]]>([
  ['and nobody dies', []],
  ['and ring 0 dies before it is told', [ring0.kill.after('budget.exceeded', nth(1))]],
  ['and the power fails when it is told', [ring0.cutPower().after('notice.queued', nth(1))]],
])(
  'people are told once of a day that has no room %s, and the process waits for them or for the next',
  async (_, faults) => {
    const heard: string[] = []
    const { agent } = payer(escalating)
    await live(agent, faults, {
      answers: ({ body }) => {
        heard.push(JSON.parse(new TextDecoder().decode(body)).text)
        return { status: 200 }
      },
    })
    for (const key of ['a', 'b', 'c']) post(key)
    await w.run(hour)
    expect(new Set(heard)).toEqual(
      new Set([expect.stringContaining('payer waits for its budget: its day has no room (usd)')]),
    )
    expect(status()).toMatchObject({ state: 'suspended', budget: { paused: { per: 'day', kind: 'usd' } } })
    expect(status()?.attention).toMatchObject([{ what: expect.stringContaining('waits for its budget') }])
    void w.client.grantBudget('payer', 5)
    await w.run(10_000)
    expect([status()?.state, status()?.attention]).toEqual(['running', []])
    const queued = (await end()).filter(({ type }) => type === 'notice.queued')
    expect(queued).toMatchObject([{ data: { event_type: 'ops.budget', paused: true } }])
  },
)

test('people are told, too, when events wait because nothing is left for them', async () => {
  const { agent } = payer({ ...escalating, maxDailyRuns: 1 })
  await live(agent, [ring0.kill.after('budget.exceeded', nth(1))], { answers: () => ({ status: 200 }) })
  post('a')
  await w.run(hour)
  expect([status()?.state, recordsOf('budget.exceeded')]).toEqual(['running', []])
  post('b')
  post('c')
  await w.run(hour)
  expect([status()?.state, recordsOf('notice.sent').length]).toEqual(['suspended', 1])
  await w.run(24 * hour)
  expect([ends(), recordsOf('notice.sent').length]).toEqual([['paid', 'paid'], 2])
  await w.run(24 * hour)
  expect([ends().length, status()?.state]).toEqual([3, 'running'])
  await end()
})

const { escalation: _, ...told } = escalating

test('who is told of requests is told of budgets as well, and the next day is told anew', async () => {
  const { agent } = payer(told, {
    approval: { notify: { webhookUrl: 'https://ops.test/asks', format: 'slack' } },
  } as Partial<WorldAgent>)
  await live(agent, [], { answers: () => ({ status: 200 }) })
  for (const key of ['a', 'b', 'c', 'd']) post(key)
  await w.run(hour)
  expect(recordsOf('notice.sent')).toHaveLength(1)
  await w.run(24 * hour)
  expect(recordsOf('notice.sent')).toHaveLength(2)
  expect(recordsOf('notice.queued').map(({ data }) => (data as { to?: object }).to)).toMatchObject([
    { url: 'https://ops.test/asks' },
    { url: 'https://ops.test/asks' },
  ])
  await end()
})
