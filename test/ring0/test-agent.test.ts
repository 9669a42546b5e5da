import type { AgentContext } from '@vigil/agent'
import { cron, fileWatch, onEvent, onMessage, webhook } from '@vigil/supervisor'
import { type InlineAgent, http as outside, sweep, type TestFault, type TestRequest, testAgent } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const example = (name: string): URL => new URL(`../../examples/pipeline-watch/${name}.agent`, import.meta.url)

/** Listens to everything, and does one of each. */
const clerk: InlineAgent = {
  name: 'clerk',
  triggers: [
    cron('0 0 6 * * *', { timezone: 'UTC' }),
    fileWatch('/in/*.csv'),
    onEvent('deploy.*'),
    onMessage({ from: 'peer' }),
  ],
  network: { allow: ['hooks.test'] },
  async run(event, ctx: AgentContext) {
    ctx.state.add('turns', 1)
    const { status } = await ctx.fetch('http://hooks.test/notify', { method: 'POST', idempotent: true })
    await ctx.step('stamp', () => ctx.uuid(), { once: true, idempotent: true })
    await ctx.publish('clerk.done', { type: event.type })
    return { type: event.type, status }
  },
}
const http = { 'POST http://hooks.test/*': 204 }

test('says what people are asked, and takes their word', async () => {
  const payer: InlineAgent = {
    name: 'payer',
    run: async (_event, ctx: AgentContext) => ({
      approval: await ctx.approve({ action: 'pay', details: { amount: 5 } }),
      colour: await ctx.askHuman({ question: 'Which colour?', options: ['red', 'blue'] }),
    }),
  }
  await using t = await testAgent(payer)
  const turn = t.fire('manual')
  const asked = async () => {
    while (t.requests.length === 0) await t.advance('1s')
    return t.requests[0] as TestRequest
  }
  const approval = await asked()
  expect(approval).toMatchObject({ kind: 'approval', asked: { action: 'pay', details: { amount: 5 } } })
  await approval.approve({ edits: { amount: 4 } })
  await expect(approval.deny()).rejects.toMatchObject({ code: 'ALREADY_DECIDED' })
  await (await asked()).answer('blue')
  expect(await turn).toMatchObject({
    status: 'completed',
    result: { approval: { approved: true, edits: { amount: 4 } }, colour: 'blue' },
  })
  expect(t.requests).toEqual([])
})

test.each(['standard', 'github', 'stripe', 'slack', 'generic', undefined] as const)(
  'fires a webhook that is signed by the scheme %s, once, also when ring 0 dies before it answers',
  async (scheme) => {
    const agent: InlineAgent = {
      name: 'inbox',
      triggers: [webhook('/in', scheme === undefined ? {} : { scheme, secret: '${SECRET}' })],
      run: ({ payload, metadata }) => ({ payload, verified: metadata['signature_verified'] }),
    }
    const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    await using t = await testAgent(agent, { env: { SECRET: key } })
    await t.fault({ at: 'trigger.accepted', kind: 'kill' })
    const turn = await t.fire('webhook', { n: 1 })
    expect(turn).toMatchObject({
      status: 'completed',
      result: { payload: { n: 1 }, verified: scheme !== undefined },
    })
    const { counters } = t.world.supervisor?.get('inbox').status() ?? {}
    expect([t.world.starts, counters?.accepted]).toEqual([2, 1])
  },
)

describe('a schema of the payload', () => {
  const cashier: InlineAgent = {
    name: 'cashier',
    payload: z.object({ amount: z.coerce.number().min(1) }) as never,
    run: (event) => event.payload,
  }

  test('gives the agent what it makes of the payload', async () => {
    await using t = await testAgent(cashier)
    expect(await t.fire('manual', { amount: '7' })).toMatchObject({ status: 'completed', result: { amount: 7 } })
  })

  test('makes a dead letter of what does not fit, at the first attempt', async () => {
    await using t = await testAgent(cashier)
    const turn = await t.fire('manual', { amount: 0 })
    expect(turn).toMatchObject({ status: 'dead_lettered', attempts: 1, error: { code: 'PAYLOAD_INVALID' } })
    expect(turn.error?.message).toContain('payload.amount: Too small')
  })
})

describe('fire', () => {
  test.each([
    ['manual', { n: 1 }],
    ['cron', undefined],
    ['file', { path: '/in/a.csv', text: 'a,b' }],
    ['publish', { topic: 'deploy.done', data: { sha: 'abc' } }],
    ['message', { content: 'hello' }],
  ])('%s gives the turn that came of it', async (kind, what) => {
    await using t = await testAgent(clerk, { http })
    const turn = await t.fire(kind as 'publish', what as never)
    expect(turn).toMatchObject({ status: 'completed', attempts: 1, state: { turns: 1 }, result: { status: 204 } })
    expect(turn.effects.map((each) => each.kind)).toEqual(['fetch', 'step', 'publish'])
    expect(t.requested.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST http://hooks.test/notify'])
  })

  test('a slot comes at its time', async () => {
    await using t = await testAgent(clerk, { http })
    await t.fire('cron')
    expect(new Date(t.world.clock.now()).toISOString()).toMatch(/^2026-01-01T06:00:0\d/)
    await t.advance('2d')
    await t.fire('cron')
    expect((await t.fire('manual')).state).toEqual({ turns: 5 })
  })

  test('a turn that fails says why, and how often it was tried', async () => {
    await using t = await testAgent(clerk)
    const turn = await t.fire('manual')
    expect(turn).toMatchObject({ status: 'dead_lettered', attempts: 3, error: { code: 'FETCH_FAILED' } })
  })

  test('a topic that nobody hears is an error, and not a wait', async () => {
    await using t = await testAgent(clerk)
    await expect(t.fire('publish', { topic: 'weather' })).rejects.toThrow('"clerk" has no trigger that hears weather')
  })

  test('without a cron trigger there is no slot to wait for', async () => {
    await using t = await testAgent({ name: 'plain', run: () => null })
    await expect(t.fire('cron')).rejects.toThrow('"plain" has no cron trigger')
  })
})

const faults: TestFault[] = [
  { at: 'effect.intended', kind: 'crash' },
  { at: 'effect.acted', kind: 'hang' },
  { at: 'effect.before_reply', kind: 'oom' },
  { at: 'turn.started', kind: 'slow', ms: 500 },
  { at: 'turn.before_end', kind: 'disk_full' },
  { at: 'effect.completed', kind: 'kill' },
  { at: 'effect.completed', kind: 'power_cut', nth: 2 },
]
test.each(faults)('a $kind at $at costs nothing', async (fault) => {
  await using t = await testAgent(clerk, { http })
  await t.fault(fault)
  expect(await t.fire('manual')).toMatchObject({ status: 'completed', state: { turns: 1 } })
  expect(t.world.faults.count, 'faults that happened').toBe(1)
})

test('while the outside answers 500 the agent sees 500', async () => {
  await using t = await testAgent(clerk, { http })
  await t.fault({ at: 'turn.started', kind: 'http_500' })
  expect(await t.fire('manual')).toMatchObject({ result: { status: 500 } })
})

test('a manifest and its module are taken as they are', async () => {
  await using t = await testAgent(example('watcher'))
  const turn = await t.fire('file', { path: 'inbox/prices.csv', text: 'price\n1\n2\n3\n' })
  expect(turn).toMatchObject({ status: 'completed', result: { rows: 3, columns: 1 } })
  expect(turn.effects.map(({ kind }) => kind)).toEqual(['file.read', 'publish'])
})

test('an alarm of the example is raised after a silence of a minute, and once', async () => {
  await using t = await testAgent(example('heartbeat'))
  const silent = (results: unknown[]): number => results.flat().filter((each) => each === 'publish').length
  const kinds: unknown[] = []
  for (let tick = 0; tick < 12; tick += 1) kinds.push((await t.fire('cron')).effects.map(({ kind }) => kind))
  expect(silent(kinds)).toBe(1)
})

test('a promise that is broken is told when it ends', async () => {
  const t = await testAgent(clerk, { http })
  t.world.violations.push('the moon is gone')
  await expect(t[Symbol.asyncDispose]()).rejects.toThrow('promises were broken (seed 1): the moon is gone')
})

test('a sweep of an agent breaks each of its operations in turn', async () => {
  const scenario = {
    agent: clerk,
    options: { http },
    body: async (t: Awaited<ReturnType<typeof testAgent>>) => {
      expect(await t.fire('message', { content: 'x' })).toMatchObject({ status: 'completed', state: { turns: 1 } })
    },
  }
  const runs = await sweep(scenario, undefined, { every: 15 })
  expect(runs).toBeGreaterThan(12)
})

test('an agent that cannot run says why at once', async () => {
  const noField = { name: 'plain', run: () => null, retryBackoff: '1s' } as InlineAgent
  await expect(testAgent(noField)).rejects.toThrow(/"plain" did not come to run: .*retryBackoff/s)
  await expect(testAgent('./nowhere.agent')).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
})

test('a fault that lasts holds from and to the times that it names', async () => {
  await using t = await testAgent(clerk, { http }, [outside.refuse().between(100_000, 200_000)])
  expect(await t.fire('manual')).toMatchObject({ status: 'completed' })
  await t.advance(110_000 - t.world.clock.monotonic())
  expect(await t.fire('manual')).toMatchObject({ status: 'dead_lettered', error: { code: 'FETCH_FAILED' } })
  await t.advance(200_000 - t.world.clock.monotonic())
  expect(await t.fire('manual')).toMatchObject({ status: 'completed' })
})
