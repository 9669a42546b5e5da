import type { AgentContext, AgentEvent } from '@vigil/agent'
import { judge, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** The past of a process: brought back, begun from again, looked at again. */
let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>): Promise<void> {
  w = world({ seed: 1, agents, adopts: false })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}

/** An answer needs virtual time to come. */
async function told<T>(work: Promise<T>): Promise<T> {
  let settled = false
  const answer = work.finally(() => {
    settled = true
  })
  answer.catch(() => undefined)
  await w.until(() => settled, 60_000)
  expect([settled, w.violations]).toEqual([true, []])
  return await answer
}
const errorOf = (work: Promise<unknown>) => told(work).catch((error: { code: string }) => error.code)
const stateOf = async (name: string) => (await told(w.client.context(name))).state
async function send(name: string, payload: unknown): Promise<string> {
  const { event_id } = await told(w.client.postEvent(name, payload))
  await w.run(5_000)
  return `t-${event_id}`
}

const counts = (_event: AgentEvent, ctx: AgentContext) => {
  ctx.state.add('turns', 1)
  ctx.state.set('last', _event.payload)
}

test('a rewind brings the state back and nothing else, and is a commit like any other', async () => {
  await live({ a: { run: counts, context: { initialState: { turns: 10 } } } })
  const first = await send('a', 'one')
  await send('a', 'two')
  await told(w.client.patchContext('a', { extra: true }))
  const dry = await told(w.client.rewind('a', first))
  expect(dry).toMatchObject({
    applied: false,
    changes: [
      { key: 'extra', before: true },
      { key: 'last', before: 'two', after: 'one' },
      { key: 'turns', before: 12, after: 11 },
    ],
  })
  expect(await stateOf('a')).toEqual({ turns: 12, last: 'two', extra: true })
  expect(await told(w.client.rewind('a', first, { dryRun: false }))).toMatchObject({ n: dry.n, applied: true })
  expect(await stateOf('a')).toEqual({ turns: 11, last: 'one' })
  // The next turn begins on it, also in a life that has seen the newer state.
  await send('a', 'three')
  expect(await stateOf('a')).toEqual({ turns: 12, last: 'three' })
  // To before the rewind: what it did is undone like anything.
  const { entries } = await told(w.client.journal('a', { type: 'state.rewound' }))
  await told(w.client.rewind('a', (entries[0]?.n ?? 0) - 1, { dryRun: false }))
  expect(await stateOf('a')).toEqual({ turns: 12, last: 'two', extra: true })
  expect((await told(w.client.process('a'))).counters).toMatchObject({ accepted: 3, completed: 3 })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('a rewind to a time means the newest record before it, and a moment that is not there is refused', async () => {
  await live({ a: { run: counts } })
  await send('a', 'one')
  const { entries } = await told(w.client.journal('a', { limit: 1 }))
  await w.run(60_000)
  await send('a', 'two')
  const at = new Date(Date.parse(entries[0]?.at ?? '') + 30_000).toISOString()
  expect(await told(w.client.rewind('a', at))).toMatchObject({ changes: [{ key: 'last', after: 'one' }, { after: 1 }] })
  expect(await errorOf(w.client.rewind('a', 9_999))).toBe('REWIND_UNREACHABLE')
  expect(await errorOf(w.client.rewind('a', '1970-01-01'))).toBe('REWIND_UNREACHABLE')
  expect(await errorOf(w.client.rewind('a', 't-nobody'))).toBe('TURN_NOT_FOUND')
})

test('no rewind while a turn is open', async () => {
  await live({ a: { run: (_event, ctx) => ctx.sleep('1h') } })
  await send('a', 'one')
  expect(await errorOf(w.client.rewind('a', 1, { dryRun: false }))).toBe('INVALID_STATE')
  expect(await told(w.client.rewind('a', 1))).toMatchObject({ applied: false })
})

test('a fork is another process with the state of then, and starts stopped', async () => {
  await live({ a: { run: counts } })
  const first = await send('a', 'one')
  await send('a', 'two')
  expect(await told(w.client.fork('a', 'b', first))).toEqual({ name: 'b', state: 'stopped' })
  expect(await stateOf('b')).toEqual({ turns: 1, last: 'one' })
  expect(await errorOf(w.client.fork('a', 'b'))).toBe('ALREADY_EXISTS')
  expect(await errorOf(w.client.fork('a', 'no name'))).toBe('INVALID_ARGUMENT')
  await told(w.client.control('b', 'start'))
  await send('b', 'three')
  expect(await stateOf('b')).toEqual({ turns: 2, last: 'three' })
  expect(await stateOf('a')).toEqual({ turns: 2, last: 'two' })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('a replay shows where the code of today parts from the record, and does nothing', async () => {
  let today = 'same'
  const run = async (event: AgentEvent, ctx: AgentContext) => {
    const seen = ctx.state.get('turns', 0)
    ctx.state.add('turns', 1)
    await ctx.publish('begun', { chance: ctx.random(), now: ctx.now() })
    if (today === 'more') await ctx.publish('more', 1)
    if (today !== 'less') await ctx.step('look', () => event.payload)
    if (today === 'throws') throw new Error('today')
    return { seen, payload: event.payload, today: today === 'other' }
  }
  await live({ a: { run } })
  const turn = await send('a', 'one')
  await send('a', 'two')
  const before = (await told(w.client.journal('a', { limit: 1 }))).entries
  expect(await told(w.client.replayTurn('a', turn))).toMatchObject({ same: true, unasked: [], unrecorded: [] })
  today = 'less'
  expect(await told(w.client.replayTurn('a', turn))).toMatchObject({ same: false, unasked: ['step:look#0'] })
  today = 'more'
  expect(await told(w.client.replayTurn('a', turn))).toMatchObject({
    same: false,
    unrecorded: [{ kind: 'publish', input: { topic: 'more' } }],
  })
  today = 'other'
  const other = await told(w.client.replayTurn('a', turn))
  expect([other.same, other.recorded.result, other.replayed?.result]).toEqual([
    false,
    { seen: 0, payload: 'one', today: false },
    { seen: 0, payload: 'one', today: true },
  ])
  today = 'throws'
  expect(await told(w.client.replayTurn('a', turn))).toMatchObject({ same: false, replayed: { status: 'threw' } })
  expect((await told(w.client.journal('a', { limit: 1 }))).entries).toEqual(before)
  expect(await errorOf(w.client.replayTurn('a', 't-nobody'))).toBe('TURN_NOT_FOUND')
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('a replay begins on the state of the attempt that it repeats', async () => {
  const run = (_event: AgentEvent, ctx: AgentContext) => {
    if (ctx.turn.attempt === 1) throw new Error('not yet')
    return ctx.state.get('x') ?? null
  }
  await live({ a: { run, delivery: { retryBackoff: '20s' } } })
  const turn = await send('a', 1)
  await told(w.client.patchContext('a', { x: 1 }))
  await w.run(30_000)
  expect(await told(w.client.replayTurn('a', turn))).toMatchObject({ same: true, recorded: { result: 1 } })
})
