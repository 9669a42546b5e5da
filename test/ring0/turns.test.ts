import type { AgentContext, AgentEvent } from '@vigil/agent'
import { type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** Turns that people end, help on or take up again. */
let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[] = []): Promise<void> {
  w = world({ seed: 1, agents, faults, adopts: false, onceOnly: ({ url }) => url.includes('/once/') })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}

async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

/** An answer needs virtual time to come. */
async function told<T>(work: Promise<T>): Promise<T> {
  let settled = false
  const answer = work.finally(() => {
    settled = true
  })
  answer.catch(() => undefined)
  await w.until(() => settled, 60_000)
  return await answer
}
const send = (name: string, payload: unknown = null) => told(w.client.postEvent(name, payload))
const statusOf = (name: string) => told(w.client.process(name))
const errorOf = (work: Promise<unknown>) => told(work).catch((error: { code: string }) => error.code)

test('a turn that is cancelled ends for good, and the lane goes on', async () => {
  const aborted: unknown[] = []
  const run = async (event: AgentEvent, ctx: AgentContext) => {
    if (event.payload === 'quick') return 'done'
    ctx.signal.addEventListener('abort', () => aborted.push(event.payload))
    await ctx.publish('begun', 1)
    ctx.state.set('written', true)
    await ctx.sleep('1h')
    return 'late'
  }
  await live({ a: { run } })
  await send('a', 'slow')
  await send('a', 'quick')
  await w.run(1_000)
  const { turns } = await told(w.client.turns('a'))
  expect(turns.map(({ state }) => state)).toEqual(['running', 'waiting'])
  await told(w.client.cancelTurn('a', turns[0]?.turn ?? ''))
  await w.run(1_000)
  expect(aborted).toEqual(['slow'])
  expect((await statusOf('a')).counters).toMatchObject({ accepted: 2, completed: 1, cancelled: 1, failures: 0 })
  expect((await told(w.client.context('a'))).state).toEqual({})
  expect(await errorOf(w.client.cancelTurn('a', turns[0]?.turn ?? ''))).toBe('TURN_NOT_FOUND')
  await end()
})

test('an event can be cancelled before its turn has begun', async () => {
  const ran: unknown[] = []
  const run = async ({ payload }: AgentEvent, ctx: AgentContext) => {
    ran.push(payload)
    await ctx.sleep('10s')
  }
  await live({ a: { run } })
  await send('a', 'first')
  await send('a', 'second')
  const { turns } = await told(w.client.turns('a', { state: 'waiting' }))
  await told(w.client.cancelTurn('a', turns[0]?.turn ?? ''))
  await w.run(60_000)
  expect(ran).toEqual(['first'])
  await end()
})

/** Pays once; ring 0 dies when that was done and is not on record. */
const pays: WorldAgent = {
  network: { allow: ['out.test'] },
  run: async (event, ctx) => {
    const { status } = await ctx.fetch(`http://out.test/once/${event.eventId}`, { method: 'POST' })
    await ctx.publish('paid', { status })
    return status
  },
}
const inDoubt = [ring0.kill.after('effect.acted', nth(1))]

test.each([
  ['done', { status: 201, statusText: '', headers: {}, body: '' }, 1, 201],
  ['not_done', undefined, 2, 200],
  ['retry', undefined, 2, 200],
] as const)(
  'a turn in doubt waits for a person, and goes on when it was %s',
  async (outcome, result, deeds, status) => {
    await live({ a: pays }, inDoubt)
    const { event_id } = (await told(w.client.postEvent('a', 1))) as { event_id: string }
    await w.run(120_000)
    await send('a', 2)
    expect(await statusOf('a')).toMatchObject({
      state: 'awaiting',
      counters: { completed: 0, dead_lettered: 0 },
      mailbox: { waiting: 1, open: 1, behind: [{ turn: `t-${event_id}` }] },
    })
    const { doubts } = await told(w.client.doubts())
    expect(doubts).toMatchObject([{ process: 'a', event_id, kind: 'fetch', input: { method: 'POST' } }])
    await told(w.client.resolveDoubt(doubts[0]?.id ?? '', { outcome, ...(result === undefined ? {} : { result }) }))
    await w.run(60_000)
    expect((await statusOf('a')).state).toBe('running')
    const page = await told(w.client.journal('a', { type: 'turn.completed' }))
    expect(page.entries.map(({ data }) => (data as { result: unknown }).result)).toEqual([200, status])
    expect(w.outside.done.filter(({ url }) => url.endsWith(event_id))).toHaveLength(deeds)
    expect(await errorOf(w.client.resolveDoubt(doubts[0]?.id ?? '', { outcome }))).toBe('DOUBT_NOT_FOUND')
    await w.stop()
    // To do it again is what a person asked for.
    const { violations } = await judge(w)
    expect(violations.filter((text) => !text.includes('may not be repeated'))).toEqual([])
  },
)

test('a doubt outlives ring 0, and holds no guest', async () => {
  await live({ a: { ...pays, hibernateAfter: '5s' } }, [...inDoubt, ring0.kill.at(100_000)])
  await send('a', 1)
  await w.run(200_000)
  expect(await statusOf('a')).toMatchObject({ state: 'awaiting', residency: 'hibernated' })
  expect((await told(w.client.doubts())).doubts).toHaveLength(1)
  expect(w.supervisor?.report.inDoubt).toBe(1)
  await end()
})

test('a turn that was in doubt goes on with its next attempt, whoever died or slept meanwhile', async () => {
  const run = async (event: AgentEvent, ctx: AgentContext) => {
    try {
      return (await ctx.fetch(`http://out.test/once/${event.eventId}`, { method: 'POST' })).status
    } catch (error) {
      // With the word of a person the turn never comes by here again.
      await ctx.publish('unpaid', 1)
      throw error
    }
  }
  await live({ a: { ...pays, run, hibernateAfter: '5s' } }, [...inDoubt, ring0.kill.at(100_000)])
  await send('a', 1)
  await w.run(200_000)
  const { doubts } = await told(w.client.doubts())
  const result = { status: 201, statusText: '', headers: {}, body: '' }
  await told(w.client.resolveDoubt(doubts[0]?.id ?? '', { outcome: 'done', result }))
  await w.run(60_000)
  expect((await statusOf('a')).counters).toMatchObject({ completed: 1, dead_lettered: 0 })
  await end()
})

test('a turn that is cancelled while its process is suspended hears of it', async () => {
  const aborted: unknown[] = []
  const run = async (event: AgentEvent, ctx: AgentContext) => {
    ctx.signal.addEventListener('abort', () => aborted.push(event.payload))
    await ctx.sleep('1h')
  }
  await live({ a: { run, evictable: false } })
  await send('a', 'slow')
  await w.run(1_000)
  const { turns } = await told(w.client.turns('a'))
  await told(w.client.control('a', 'suspend'))
  await told(w.client.cancelTurn('a', turns[0]?.turn ?? ''))
  await w.run(1_000)
  expect(aborted).toEqual(['slow'])
  await end()
})

test('a dead letter that is named twice comes again once', async () => {
  const run = () => {
    throw Object.assign(new Error('broken'), { retry: false })
  }
  await live({ a: { run, maxConsecutiveFailures: 10 } })
  const { event_id } = (await send('a')) as { event_id: string }
  await w.run(10_000)
  const { event_ids } = await told(w.client.redeliver('a', [event_id, event_id]))
  expect(event_ids).toHaveLength(1)
  await w.run(10_000)
  expect((await statusOf('a')).counters).toMatchObject({ accepted: 2, dead_lettered: 2 })
  await end()
})

test('a dead letter comes again as a new event, or is forgotten', async () => {
  let broken = true
  const run = () => {
    if (broken) throw Object.assign(new Error('broken'), { retry: false })
    return 'mended'
  }
  await live({ a: { run, maxConsecutiveFailures: 10 } })
  for (const payload of ['one', 'two']) await send('a', payload)
  await w.run(10_000)
  const { dead_letters } = await told(w.client.deadLetters('a'))
  expect(dead_letters).toMatchObject([{ payload: 'one', reason: 'not_retryable' }, { payload: 'two' }])
  expect(await errorOf(w.client.redeliver('a', [dead_letters[0]?.event_id ?? '', 'unknown']))).toBe(
    'DEAD_LETTER_NOT_FOUND',
  )
  broken = false
  const { event_ids } = await told(w.client.redeliver('a', [dead_letters[0]?.event_id ?? '']))
  expect(event_ids[0]).not.toBe(dead_letters[0]?.event_id)
  await w.run(10_000)
  expect((await statusOf('a')).counters).toMatchObject({ accepted: 3, completed: 1, dead_lettered: 2 })
  expect(await told(w.client.discard('a'))).toEqual({ discarded: 1 })
  expect((await told(w.client.deadLetters('a'))).dead_letters).toEqual([])
  await end()
})
