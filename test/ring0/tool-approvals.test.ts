import { defineTool, type Tool } from '@vigil/agent'
import { crash, type Fault, judge, nth, ring0, slow, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(agent: WorldAgent, faults: readonly Fault[] = []): Promise<void> {
  w = world({ seed: 1, agents: { payer: agent }, faults, adopts: false, answers: () => ({ status: 200 }) })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const post = (key = 'a') => void w.client.postEvent('payer', { key }, { idempotencyKey: key })
const status = () => w.supervisor?.get('payer').status()
const requests = async () => (await w.supervisor?.requests()) ?? []
const seqs = (type: string) => new Set(recordsOf(type).map(({ seq }) => seq)).size
const recordsOf = (type: string) => w.told.flat().filter((record) => record.type === type)
const ends = () =>
  [...new Map(w.told.flat().map((record) => [record.seq, record])).values()].flatMap((record) =>
    record.type === 'turn.completed' ? [record.data.result] : [],
  )
const decide = async (word: Parameters<NonNullable<World['supervisor']>['decide']>[1], nth = 0) => {
  const [open] = (await requests()).slice(nth)
  let result: unknown
  void w.supervisor?.decide(open?.id ?? '', word, 'ada').then(
    () => (result = 'done'),
    (error: unknown) => (result = error),
  )
  await w.run(1_000)
  return result
}

const order = { to: 'Ann', amount: 500 }
const amount = { type: 'number', maximum: 1_000 }
const parameters = { type: 'object', properties: { to: { type: 'string' }, amount }, required: ['to', 'amount'] }

/** `pay` notes what it ran with; the turn ends with what it gives, or with the code of what it rejects. */
function payer(options: Partial<Tool> = {}, more: Partial<WorldAgent> = {}) {
  const runs: unknown[] = []
  const pay = defineTool({
    name: 'pay',
    parameters,
    ...options,
    run(input) {
      runs.push(input)
      return 'paid'
    },
  })
  const agent = {
    tools: [pay],
    run: (_event, ctx) => ctx.tools.call('pay', order).catch(({ code, message }) => `${code}: ${message}`),
    ...more,
  } satisfies WorldAgent
  return { runs, agent: agent as WorldAgent }
}

test('a call that needs an approval waits without a thread, and what runs is the call as it was edited', async () => {
  const approval = { timeout: '4h', onTimeout: 'escalate' } as const
  const { runs, agent } = payer({ needsApproval: true, once: true }, { approval })
  await live(agent)
  post()
  await w.run(10_000)
  const [open] = await requests()
  expect(open).toMatchObject({ kind: 'approval', asked: { tool: 'pay', input: order }, onTimeout: 'escalate' })
  expect(Date.parse(open?.deadline ?? '') - Date.parse(open?.at ?? '')).toBe(4 * 3_600_000)
  expect(status()).toMatchObject({ state: 'awaiting', residency: 'hibernated' })
  expect([w.cells.living, runs]).toEqual([[], []])
  expect(await decide({ decision: 'approve', edits: { to: 'Ann', amount: 50 } })).toBe('done')
  await w.run(5_000)
  expect([runs, ends()]).toEqual([[{ to: 'Ann', amount: 50 }], ['paid']])
  expect(recordsOf('effect.intended')[0]?.data).toMatchObject({ input: { name: 'pay', input: { amount: 50 } } })
  await end()
})

describe('100 restarts during a pending approval', () => {
  test.each([false, true])(
    'asked once, answered once, executed once, edited, and no thread is held (once: %s)',
    async (once) => {
      const deaths = Array.from({ length: 100 }, (_, n) => ring0.kill.at(20_000 + n * 15_000))
      const notify = { webhookUrl: 'https://ops.test/vigil', format: 'slack' } as const
      const { runs, agent } = payer({ once }, { approval: { tools: ['p*'], timeout: '10h', notify } })
      await live(agent, deaths)
      post()
      await w.run(1_600_000)
      expect([w.starts, w.cells.living, runs]).toEqual([101, [], []])
      expect(await decide({ decision: 'approve', edits: { to: 'Ann', amount: 50 } })).toBe('done')
      await w.run(5_000)
      expect([runs, ends()]).toEqual([[{ to: 'Ann', amount: 50 }], ['paid']])
      const counts = ['request.opened', 'notice.queued', 'notice.sent', 'request.decided', 'effect.intended'].map(seqs)
      expect([...counts, seqs('incarnation.started')]).toEqual([1, 1, 1, 1, 1, 2])
      await end()
    },
  )
})

test.each<[string, Partial<Tool>, Partial<WorldAgent>, boolean]>([
  ['the tool says so', { needsApproval: true }, {}, true],
  ['its policy says so', {}, { toolPolicy: { 'p*': { needsApproval: true } } }, true],
  ['a filter cannot look through it', {}, { toolPolicy: { pay: { needsApproval: 'not (input.to <= 5)' } } }, true],
  ['a filter finds its input', {}, { toolPolicy: { pay: { needsApproval: 'input.amount > 100' } } }, true],
  ['no filter finds its input', {}, { toolPolicy: { pay: { needsApproval: 'input.amount > 900' } } }, false],
  ['it is listed', {}, { approval: { tools: ['send_*', 'pay'] } }, true],
  ['others are listed', {}, { approval: { tools: ['send_*'] } }, false],
  [
    'one of many says so',
    {},
    { toolPolicy: { '*': { needsApproval: false }, pay: { needsApproval: 'input.to == "Ann"' } }, approval: {} },
    true,
  ],
])('people are asked when %s', async (_, options, more, asked) => {
  const { runs, agent } = payer(options, more)
  await live(agent)
  post()
  await w.run(5_000)
  expect([(await requests()).length, runs.length]).toEqual(asked ? [1, 0] : [0, 1])
  if (asked) await decide({ decision: 'approve' })
  await w.run(5_000)
  expect([runs, ends()]).toEqual([[order], ['paid']])
  await end()
})

test.each<[string, WorldAgent['run'] extends unknown ? object : never, string]>([
  ['denied', { onTimeout: 'deny' }, 'TOOL_DENIED: the call of "pay" was denied by policy: nobody decided it since'],
  ['denied at last', { onTimeout: 'escalate' }, 'TOOL_DENIED: the call of "pay" was denied by policy'],
  ['made', { onTimeout: 'approve' }, 'paid'],
])('a call that nobody decides in time is %s', async (_, policy, said) => {
  const { runs, agent } = payer({ needsApproval: true }, { approval: { timeout: '1m', ...policy } })
  await live(agent, [ring0.kill.at(50_000)])
  post()
  await w.run(300_000)
  expect(ends()).toEqual([expect.stringContaining(said)])
  expect(runs).toEqual(said === 'paid' ? [order] : [])
  await end()
})

test('a denied call is rejected with the reason, and its tool has not run', async () => {
  const { runs, agent } = payer({ needsApproval: true })
  await live(agent)
  post()
  await w.run(1_000)
  expect(await decide({ decision: 'deny', reason: 'too much' })).toBe('done')
  expect([runs, ends()]).toEqual([[], ['TOOL_DENIED: the call of "pay" was denied by ada: too much']])
  // Who decides within a moment finds the guest still there.
  expect(recordsOf('turn.suspended')).toEqual([])
  await end()
})

test('edits are the whole input and have to fit the schema of the tool; else the request stays open', async () => {
  const { runs, agent } = payer({ needsApproval: true })
  await live(agent)
  post()
  await w.run(10_000)
  expect(await decide({ decision: 'approve', edits: { amount: 5 } })).toMatchObject({
    code: 'TOOL_INPUT_INVALID',
    message: expect.stringContaining(
      'the edits do not fit the schema of tool "pay": edits must have required property \'to\'',
    ),
  })
  expect(await decide({ decision: 'approve', edits: { ...order, amount: 5_000 } })).toMatchObject({
    code: 'TOOL_INPUT_INVALID',
    message: expect.stringContaining('edits.amount must be <= 1000'),
  })
  expect(await decide({ decision: 'approve', edits: { ...order, to: 'x'.repeat(70_000) } })).toMatchObject({
    code: 'TOO_LARGE',
  })
  expect([(await requests()).length, runs]).toEqual([1, []])
  expect(await decide({ decision: 'approve', edits: { to: 'Bob', amount: 5 } })).toBe('done')
  await w.run(5_000)
  expect(runs).toEqual([{ to: 'Bob', amount: 5 }])
  await end()
})

test('edits that only the tool can check are checked before it runs', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        (value as typeof order).amount > 0 ? { value } : { issues: [{ message: 'expected more', path: ['amount'] }] },
    },
  }
  const { runs, agent } = payer({
    parameters: undefined as never,
    input: schema as never,
    needsApproval: true,
    once: true,
  })
  await live(agent)
  post()
  await w.run(10_000)
  expect(await decide({ decision: 'approve', edits: { to: 'Ann', amount: 0 } })).toBe('done')
  await w.run(5_000)
  expect([runs, ends()]).toEqual([[], [expect.stringContaining('TOOL_INPUT_INVALID')]])
  await end()
})

test('an approval is for its turn and its call: the next attempt need not ask again, another call does', async () => {
  let attempts = 0
  const runs: unknown[] = []
  const pay = defineTool({
    name: 'pay',
    needsApproval: true,
    run(input) {
      attempts += 1
      if (attempts === 1) throw new Error('the bank is closed')
      runs.push(input)
    },
  })
  await live({
    tools: [pay],
    run: async (_event, ctx) => {
      await ctx.tools.call('pay', { n: 1 })
      await ctx.tools.call('pay', { n: 2 })
    },
  })
  post()
  await w.run(10_000)
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(30_000)
  expect([attempts, runs]).toEqual([2, [{ n: 1 }]])
  expect(await requests()).toMatchObject([{ asked: { input: { n: 2 } } }])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  expect([runs, seqs('request.opened')]).toEqual([[{ n: 1 }, { n: 2 }], 2])
  await end()
})

test('calls that wait side by side are decided each by itself, beside others that go on', async () => {
  const { runs, agent } = payer({ needsApproval: true })
  await live({
    ...agent,
    run: (_event, ctx) =>
      Promise.all([
        ctx.tools.call('pay', { to: 'Ann', amount: 1 }),
        ctx.tools.call('pay', { to: 'Bob', amount: 2 }).catch(({ code }) => code),
        ctx.sleep('20s').then(() => ctx.publish('beside', null)),
      ]).then(([ann, bob]) => [ann, bob]),
  } as WorldAgent)
  post()
  await w.run(10_000)
  expect(await decide({ decision: 'deny' }, 1)).toBe('done')
  await w.run(20_000)
  expect([runs, seqs('bus.published')]).toEqual([[], 1])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  expect([runs, ends()]).toEqual([[{ to: 'Ann', amount: 1 }], [['paid', 'TOOL_DENIED']]])
  await end()
})

test('a guest that works on something else lets go of it, and begins it in its replay alone', async () => {
  const { runs, agent } = payer({ needsApproval: true, once: true }, { concurrency: 2 })
  const both = {
    ...agent,
    run: (event, ctx) => ((event.payload as { key: string }).key === 'a' ? agent.run?.(event, ctx) : ctx.sleep('1h')),
  } as WorldAgent
  // So slowly that whatever is begun without it is on the disk before its replay asks.
  await live(both, [slow('payer', 500).after('turn.suspended', nth(1))])
  post('a')
  post('b')
  await w.run(10_000)
  expect([seqs('turn.suspended'), w.cells.living.length]).toEqual([1, 1])
  expect(await decide({ decision: 'approve' })).toBe('done')
  await w.run(5_000)
  expect([runs, ends(), seqs('incarnation.started')]).toEqual([[order], ['paid'], 1])
  await end()
})

test('a process that is suspended does not begin what was approved, and one that is stopped stops at once', async () => {
  const { runs, agent } = payer({ needsApproval: true, once: true }, { shutdownTimeout: '1h' })
  await live(agent)
  post()
  await w.run(1_000)
  void w.supervisor?.get('payer').suspend()
  await w.run(100)
  expect(await decide({ decision: 'approve' })).toBe('done')
  expect(runs).toEqual([])
  void w.supervisor?.get('payer').stop()
  await w.run(2_000)
  expect(status()?.state).toBe('stopped')
  void w.supervisor?.get('payer').start()
  await w.run(5_000)
  expect([runs, ends()]).toEqual([[order], ['paid']])
  await end()
})

test('a turn that is cancelled takes its request with it', async () => {
  const { runs, agent } = payer({ needsApproval: true })
  await live(agent)
  post()
  await w.run(1_000)
  const [open] = await requests()
  void w.supervisor?.get('payer').cancel(open?.turn ?? '')
  await w.run(2_000)
  expect([await requests(), runs]).toEqual([[], []])
  await end()
})

test('a call that may not be made at all is refused, and nobody is asked', async () => {
  const { runs, agent } = payer({ needsApproval: true }, { toolPolicy: { pay: { maxPerTurn: 0 } } })
  await live(agent)
  post()
  await w.run(5_000)
  expect([await requests(), runs, ends()]).toEqual([[], [], [expect.stringContaining('TOOL_LIMIT')]])
  await end()
})

/** Where it is cut, and whether the call has begun by then: once more, or in doubt. */
const deaths: readonly [Fault, boolean][] = [
  [crash('payer').after('request.opened', nth(1)), false],
  [ring0.kill.after('request.opened', nth(1)), false],
  [ring0.cutPower().after('turn.suspended', nth(1)), false],
  [ring0.cutPower().after('request.decided', nth(1)), false],
  [ring0.kill.after('effect.intended', nth(1)), true],
  [crash('payer').after('effect.intended', nth(1)), true],
]
test.each(deaths.flatMap(([death, begun], n) => [false, true].map((once) => [n, once, death, begun] as const)))(
  'whoever dies before, between and behind (%i), people are asked once, and what may run once (%s) runs once',
  async (_, once, death, begun) => {
    const { runs, agent } = payer({ needsApproval: true, once })
    await live(agent, [death])
    post()
    await w.run(60_000)
    expect(await requests()).toHaveLength(1)
    await decide({ decision: 'approve', edits: { to: 'Bob', amount: 5 } })
    await w.run(60_000)
    expect(seqs('request.opened')).toBe(1)
    expect(runs.length).toBeLessThanOrEqual(begun && !once ? 2 : 1)
    for (const input of runs) expect(input).toEqual({ to: 'Bob', amount: 5 })
    expect(ends()).toEqual([begun && once ? expect.stringContaining('EFFECT_IN_DOUBT') : 'paid'])
    await end()
  },
)
