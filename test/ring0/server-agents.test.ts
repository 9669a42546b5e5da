import type { AgentContext } from '@vigil/agent'
import {
  type InlineAgent,
  operationFaults,
  type SimulatedServer,
  scripted,
  sweep,
  type TestRequest,
  testAgent,
} from '@vigil/testkit'
import { expect, test } from 'vitest'

/** A shop whose tools note what they were called with. */
function shop() {
  const calls: unknown[] = []
  const note = (input: unknown): string => `call ${calls.push(input)}`
  const schema = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] }
  const server: SimulatedServer = {
    tools: {
      pay: { inputSchema: schema, run: note },
      look: { annotations: { readOnlyHint: true }, run: note },
      slow: {
        async run(input) {
          note(input)
          return await new Promise<never>(() => undefined)
        },
      },
    },
  }
  return { calls, servers: { shop: server } }
}

const agentOf = (tool: string, more: Partial<InlineAgent> = {}): InlineAgent =>
  ({
    name: 'buyer',
    servers: { shop: { command: 'shop' } },
    run: (_event: unknown, ctx: AgentContext) => ctx.tools.call(tool, { amount: 5 }),
    ...more,
  }) as InlineAgent

test('people are asked about a call before it is made, and what they make of it is what is called', async () => {
  const { calls, servers } = shop()
  const agent = agentOf('shop__pay', { toolPolicy: { 'shop__p*': { needsApproval: 'input.amount > 3' } } })
  await using t = await testAgent(agent, { servers })
  const turn = t.fire('manual')
  while (t.requests.length === 0) await t.advance('1s')
  const request = t.requests[0] as TestRequest
  expect(request).toMatchObject({ kind: 'approval', asked: { tool: 'shop__pay', input: { amount: 5 } } })
  expect(calls).toEqual([])
  await expect(request.approve({ edits: { amount: 'two' } })).rejects.toMatchObject({ code: 'TOOL_INPUT_INVALID' })
  await request.approve({ edits: { amount: 2 } })
  expect(await turn).toMatchObject({ status: 'completed', result: { content: 'call 1' } })
  expect(calls).toEqual([{ amount: 2 }])
})

test('calls are counted and paid for as those of any tool', async () => {
  const { calls, servers } = shop()
  const agent = agentOf('', {
    toolPolicy: { shop__look: { maxPerTurn: 2, cost: 0.25 } },
    async run(_event: unknown, ctx: AgentContext) {
      const codes: unknown[] = []
      for (let n = 0; n < 3; n += 1)
        await ctx.tools.call('shop__look', {}).then(
          () => codes.push('done'),
          ({ code }) => codes.push(code),
        )
      return codes
    },
  } as Partial<InlineAgent>)
  await using t = await testAgent(agent, { servers })
  const turn = await t.fire('manual')
  expect(turn).toMatchObject({ result: ['done', 'done', 'TOOL_LIMIT'] })
  expect(t.world.supervisor?.get('buyer').status().budget.day).toMatchObject({ usd: 0.5, toolCalls: 2 })
  expect(calls).toHaveLength(2)
})

test('a guest that dies in the middle of a call gets what it gave, and it is made once', async () => {
  const { calls, servers } = shop()
  await using t = await testAgent(agentOf('shop__pay'), { servers })
  await t.fault({ at: 'effect.intended', kind: 'crash' })
  expect(await t.fire('manual')).toMatchObject({ status: 'completed', result: { content: 'call 1' } })
  expect(calls).toHaveLength(1)
})

test('when ring 0 dies in the middle of a call, who only reads is called again, and of another nobody knows', async () => {
  const { calls, servers } = shop()
  const agent = agentOf('', {
    run: (event: { readonly payload: unknown }, ctx: AgentContext) =>
      ctx.tools.call(String(event.payload), { amount: 5 }).catch(({ code }) => code),
  } as Partial<InlineAgent>)
  await using t = await testAgent(agent, { servers })
  await t.fault({ at: 'effect.acted', kind: 'kill' })
  expect(await t.fire('manual', 'shop__look')).toMatchObject({ result: { content: 'call 2' } })
  await t.fault({ at: 'effect.acted', kind: 'kill' })
  expect(await t.fire('manual', 'shop__pay')).toMatchObject({ result: 'EFFECT_IN_DOUBT' })
  expect(calls).toHaveLength(3)
})

test('a connection ends with its process, and a changed server is another', async () => {
  const { servers } = shop()
  await using t = await testAgent(agentOf('shop__look'), { servers })
  await t.fire('manual')
  const { world, name } = t
  expect(world.servers.living).toEqual([{ process: 'buyer', server: 'shop' }])
  const manifest = world.supervisor?.list()[0] && world.told.flat().find(({ type }) => type === 'process.deployed')
  const deployed = manifest?.type === 'process.deployed' ? manifest.data.manifest : {}
  const moved = { ...deployed, servers: { shop: { command: 'other', args: [], env: {}, directory: '/' } } } as never
  void world.supervisor?.deploy({ manifest: moved, baseDirectory: '/', by: 'program' })
  expect(await world.until(() => world.servers.living.length === 0, 60_000)).toBe(true)
  await t.fire('manual')
  expect(world.servers.connects).toBe(2)
  void world.supervisor?.get(name).stop()
  expect(await world.until(() => world.servers.living.length === 0, 60_000)).toBe(true)
})

test('before a turn that may think its servers are asked for their tools, and one that is away keeps nobody waiting', async () => {
  const { servers } = shop()
  const agent = agentOf('', {
    model: 'sim:echo',
    servers: { shop: { command: 'shop' }, away: { command: 'away' }, late: { command: 'late' } },
    run: () => 'thought',
  } as Partial<InlineAgent>)
  const late = { tools: {}, connectMs: 40_000 }
  await using t = await testAgent(agent, { servers: { ...servers, late } })
  const from = t.world.clock.now()
  expect(await t.fire('manual')).toMatchObject({ status: 'completed', result: 'thought' })
  expect(t.world.clock.now() - from).toBeLessThan(15_000)
  const states = t.world.supervisor?.get('buyer').status().servers
  expect(states).toMatchObject([
    { name: 'shop', state: 'ready', tools: 3 },
    { name: 'away', state: 'failed', error: 'nobody answers', tools: 0 },
    { name: 'late', state: 'connecting', tools: 0 },
  ])
})

test.each(Object.entries(operationFaults))(
  'whatever befalls any operation on the disk, a call that changes something is made once: %s',
  { timeout: 600_000 },
  async (_what, fault) => {
    const agent = agentOf('', {
      run: async (_event: unknown, ctx: AgentContext) => {
        await ctx.tools.call('shop__look', {})
        await ctx.tools.call('shop__pay', { amount: 5 }).catch(({ code }) => code)
        return await ctx.tools.call('shop__look', {})
      },
    } as Partial<InlineAgent>)
    const scenario = {
      agent,
      options: { servers: shop().servers },
      body: async (t: Awaited<ReturnType<typeof testAgent>>) => void (await t.fire('manual')),
    }
    const seed = Number(process.env['VIGIL_SEED'] ?? 1)
    const which = process.env['VIGIL_TORTURE'] === undefined ? { every: 25, from: 1 + (seed % 25) } : {}
    await sweep(
      scenario,
      (t) => {
        const paid = t.world.servers.called.filter(({ tool }) => tool === 'pay')
        expect(paid.length).toBeLessThanOrEqual(1)
        expect(t.world.servers.living).toEqual([])
      },
      { faults: [fault], ...which },
    )
  },
)

test('restarts leave no connection behind', async () => {
  const rounds = process.env['VIGIL_TORTURE'] === undefined ? 20 : 100
  const { calls, servers } = shop()
  await using t = await testAgent(agentOf('shop__look'), { servers })
  for (let round = 1; round <= rounds; round += 1) {
    await t.fire('manual')
    expect(t.world.servers.living).toHaveLength(1)
    void t.world.supervisor?.get('buyer').restart()
    await t.advance('2s')
  }
  expect(calls).toHaveLength(rounds)
  void t.world.supervisor?.get('buyer').stop()
  await t.advance('10s')
  expect(t.world.servers.living).toEqual([])
})

test('a call that is under way comes to its end when its process is stopped', async () => {
  const { servers } = shop()
  const ends: number[] = []
  const pay = async () => {
    await new Promise<void>((resolve) => t.world.clock.setTimer(30_000, resolve))
    return `end ${ends.push(t.world.clock.now())}`
  }
  await using t = await testAgent(agentOf('shop__pay'), {
    servers: { shop: { tools: { ...servers['shop']?.tools, pay } } },
  })
  const turn = t.fire('manual')
  while (t.world.servers.called.length === 0) await t.advance('1s')
  void t.world.supervisor?.get('buyer').stop()
  expect(await t.world.until(() => ends.length === 1, 60_000)).toBe(true)
  expect(await t.world.until(() => t.world.servers.living.length === 0, 5_000)).toBe(true)
  void t.world.supervisor?.get('buyer').start()
  expect(await turn).toMatchObject({ status: 'completed', result: { content: 'end 1' } })
  expect(t.world.servers.called).toHaveLength(1)
})

test('a model is offered the tools of servers, and what they give comes back to it', async () => {
  const { calls, servers } = shop()
  const agent = {
    name: 'buyer',
    model: 'openai:gpt-5-mini',
    instructions: 'Buy.',
    servers: { shop: { command: 'shop' } },
  }
  const model = scripted([{ tool: 'shop__pay', input: { amount: 5 } }, { text: 'bought' }])
  await using t = await testAgent(agent as unknown as InlineAgent, { servers, model })
  const turn = await t.fire('manual', { order: 1 })
  expect(turn).toMatchObject({ status: 'completed', result: 'bought' })
  expect(calls).toEqual([{ amount: 5 }])
  expect(turn.effects.map(({ kind }) => kind)).toEqual(['model.generate', 'server.tool', 'model.generate'])
})
