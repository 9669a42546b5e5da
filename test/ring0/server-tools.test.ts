import type { ProcessName } from '@vigil/protocol'
import type { SimulatedServer } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { toolDecider } from '../../packages/supervisor/src/gate/tools/tool-decider.ts'
import { type GateRing, type GateRingOptions, openGateRing } from '../support/gate-ring.ts'

const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
const shop = (): SimulatedServer => ({
  tools: {
    add: { inputSchema: schema, run: ({ n }: { n: number }) => `added ${n}` },
    look: { annotations: { readOnlyHint: true }, run: () => ({ content: 'seen', structured: { stock: 3 } }) },
    fail: () => ({ content: 'no', is_error: true }),
    break: () => {
      throw new Error('it breaks')
    },
    hang: () => new Promise<never>(() => undefined),
  },
})

async function ring(options: GateRingOptions = {}): Promise<GateRing> {
  return await openGateRing({ servers: { shop: shop() }, deciders: [toolDecider], ...options })
}

/** Virtual time goes on until the call is answered. */
async function call(on: GateRing, name: string, input: unknown = {}, key = `server.tool:${name}#0`) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isOver = false
  const reply = on.call('server.tool', { name, input }, key).finally(() => {
    isOver = true
    resolve()
  })
  reply.catch(() => undefined)
  for (let step = 0; step < 2_000 && !isOver; step += 1) {
    await on.clock.advance(100)
    await Promise.race([promise, new Promise((next) => setImmediate(next))])
  }
  return (await reply).outcome
}

test('the first call connects, puts the tools on record, and gives what the tool gives', async () => {
  await using on = closing(await ring())
  expect(await call(on, 'shop__add', { n: 2 })).toEqual({ ok: true, value: { content: 'added 2' } })
  expect(await call(on, 'shop__look')).toEqual({ ok: true, value: { content: 'seen', structured: { stock: 3 } } })
  expect(await call(on, 'shop__fail')).toEqual({ ok: true, value: { content: 'no', is_error: true } })
  const listed = await on.records('server.listed')
  expect(listed).toHaveLength(1)
  expect(on.servers.connects).toBe(1)
  const [add, look] = on.world.get('worker')?.serverTools.get('shop') ?? []
  expect(add).toEqual({ name: 'shop__add', parameters: schema, once: true })
  expect(look).toMatchObject({ name: 'shop__look', idempotent: true })
  const intents = await on.records('effect.intended')
  expect(intents[0]?.data).toMatchObject({ kind: 'server.tool', input: { name: 'shop__add', input: { n: 2 } } })
  expect(intents.map(({ data }) => (data as { repeatable: boolean }).repeatable)).toEqual([false, true, false])
})

test('what does not fit the schema, is not there or is not let through never reaches the server', async () => {
  const only = { command: 'shop', tools: ['add', 'l*'] }
  await using on = closing(await ring({ worker: { servers: { shop: only }, tools: { shop__look: false } } }))
  const codes: unknown[] = []
  for (const [name, input] of [
    ['shop__add', { n: 'two' }],
    ['shop__add', [1]],
    ['shop__nothing', {}],
    ['shop__fail', {}],
    ['shop__look', {}],
    ['other__add', {}],
  ] as const) {
    const outcome = await call(on, name, input, `server.tool:${name}:${JSON.stringify(input)}#0`)
    codes.push(outcome.ok ? 'done' : outcome.error.code)
  }
  expect(codes).toEqual([
    'TOOL_INPUT_INVALID',
    'TOOL_INPUT_INVALID',
    'TOOL_NOT_FOUND',
    'TOOL_NOT_FOUND',
    'TOOL_DENIED',
    'TOOL_NOT_FOUND',
  ])
  expect(on.servers.called).toEqual([])
})

test('a server that breaks in the middle of a call has failed, and the next call finds it again', async () => {
  await using on = closing(await ring())
  const broken = await call(on, 'shop__break')
  expect(broken).toMatchObject({ ok: false, error: { code: 'SERVER_FAILED' } })
  expect(await call(on, 'shop__add', { n: 1 })).toMatchObject({ ok: true })
  expect(on.servers.connects).toBe(2)
})

test('what takes too long is given up, and what is irreversible is in doubt then', async () => {
  const policy = { shop__hang: { timeout: '5s' }, shop__break: { irreversible: true } }
  await using on = closing(await ring({ worker: { tools: policy } }))
  expect(await call(on, 'shop__hang')).toMatchObject({ ok: false, error: { code: 'TOOL_TIMEOUT' } })
  expect(await call(on, 'shop__break')).toMatchObject({ ok: false, error: { code: 'EFFECT_IN_DOUBT' } })
  expect(await on.records('turn.parked')).toHaveLength(1)
})

test('a server that nobody reaches is tried again after longer and longer waits', async () => {
  await using on = closing(await ring({ servers: { shop: { tools: {}, refuses: 'it is away' } } }))
  const first = await call(on, 'shop__add', { n: 1 })
  expect(first).toMatchObject({ ok: false, error: { code: 'SERVER_UNAVAILABLE' } })
  const second = await call(on, 'shop__add', { n: 1 }, 'server.tool:again#0')
  expect(second.ok ? '' : second.error.message).toContain('it is away; it is tried again in 1 s')
  expect(on.servers.connects).toBe(1)
  await on.clock.advance(1_000)
  on.servers.put('shop', shop())
  expect(await call(on, 'shop__add', { n: 1 }, 'server.tool:later#0')).toMatchObject({ ok: true })
  expect(on.lines).toContainEqual('warn: the server "shop" is gone: it is away')
})

test('after a crash of ring 0 a call that may be made again is made again, and another is in doubt', async () => {
  await using on = closing(await ring({ servers: { shop: { ...shop(), connectMs: 1 } } }))
  on.servers.put('shop', { tools: { ...shop().tools, look: { annotations: { idempotentHint: true }, run: hangs } } })
  await call(on, 'shop__add', { n: 1 })
  const open = [
    on.call('server.tool', { name: 'shop__look', input: {} }, 'server.tool:look#0'),
    on.call('server.tool', { name: 'shop__hang', input: {} }, 'server.tool:hang#0'),
  ]
  for (const each of open) each.catch(() => undefined)
  await on.records('effect.intended')
  for (let turn = 0; turn < 20 && on.servers.called.length < 3; turn += 1)
    await new Promise((next) => setImmediate(next))
  expect(on.servers.called).toHaveLength(3)
  await on.crash()
  on.servers.put('shop', shop())
  expect(await call(on, 'shop__look', {}, 'server.tool:look#0')).toMatchObject({ ok: true })
  expect(await call(on, 'shop__hang', {}, 'server.tool:hang#0')).toMatchObject({ error: { code: 'EFFECT_IN_DOUBT' } })
  expect(on.servers.called).toHaveLength(4)
})

const hangs = () => new Promise<never>(() => undefined)

test('tools that have changed are on record, and one that is idle for ten minutes is let go', async () => {
  await using on = closing(await ring())
  await call(on, 'shop__add', { n: 1 })
  on.servers.put('shop', { tools: { ...shop().tools, more: () => 'more' } })
  expect(await call(on, 'shop__more')).toMatchObject({ ok: true, value: { content: 'more' } })
  expect(await on.records('server.listed')).toHaveLength(2)
  await on.clock.advance(9 * 60_000)
  expect(on.servers.living).toHaveLength(1)
  await on.clock.advance(2 * 60_000)
  expect(on.servers.living).toHaveLength(0)
  expect(await call(on, 'shop__add', { n: 1 }, 'server.tool:later#0')).toMatchObject({ ok: true })
})

test('a turn that ends while its server comes up begins nothing', async () => {
  await using on = closing(await ring({ servers: { shop: { ...shop(), connectMs: 5_000 } } }))
  const reply = on.call('server.tool', { name: 'shop__add', input: { n: 1 } })
  await on.clock.advance(1_000)
  const data = { event_id: 'e1', reason: 'cancelled', by: 'operator' }
  on.commit({ process: 'worker' as ProcessName, epoch: 1, type: 'turn.cancelled', turn: 't1', data })
  await on.clock.advance(10_000)
  expect((await reply).outcome).toMatchObject({ ok: false, error: { code: 'ABORTED' } })
  expect(on.servers.called).toEqual([])
  expect(await on.records('effect.intended')).toEqual([])
})

const closing = <T extends GateRing>(opened: T): T & AsyncDisposable =>
  Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() })
