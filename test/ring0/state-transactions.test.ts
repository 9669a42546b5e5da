import type { JournalRecord } from '@vigil/protocol'
import { crash, type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(agent: WorldAgent, faults: readonly Fault[] = [], seed = 1): Promise<void> {
  w = world({ seed, agents: { teller: { concurrency: 4, ...agent } }, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
const post = (payload: unknown = null) => void w.client.postEvent('teller', payload).catch(() => undefined)
const patch = (state: Record<string, never>) => void w.supervisor?.get('teller').patchContext(state)
const teller = () => w.supervisor?.get('teller')
const state = async () => (await teller()?.context())?.state
const records = async (type: string): Promise<readonly JournalRecord[]> =>
  (await teller()?.journal({ type, limit: 100 }))?.records ?? []
const ended = (turns: number) =>
  w.until(() => {
    const { completed = 0, deadLettered = 0 } = teller()?.status().counters ?? {}
    return completed + deadLettered === turns
  }, 600_000)
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

/** Turns that overlap, and each doubles what stands there and adds one: an order shows, and a loss even more. */
const counting: WorldAgent = {
  async run(event, ctx) {
    ctx.state.update<number>('n', (n = 0) => n + 1)
    ctx.state.update<string[]>('seen', (seen = []) => [...seen, event.eventId])
    await ctx.sleep(((event.payload as { ms?: number } | null)?.ms ?? 1_000) + ctx.random() * 100)
    ctx.state.add('n', 10)
    ctx.state.update<number>('n', (n = 0) => n + 100)
    return ctx.state.get('n')
  },
}

test('updates of turns that overlap are all there, whoever completes when', async () => {
  await live(counting)
  for (let n = 0; n < 12; n += 1) post()
  await ended(12)
  const { n, seen } = (await state()) as { n: number; seen: string[] }
  expect(n).toBe(12 * 111)
  expect(new Set(seen).size).toBe(12)
  expect(await records('state.overwritten')).toEqual([])
  await end()
})

test.each<[string, Fault]>([
  ['the agent dies when a turn completes', crash('teller').after('turn.before_end', nth(2))],
  ['the agent dies while it computes anew', crash('teller').after('turn.completed', nth(1))],
  ['ring 0 dies with a turn half way to its end', ring0.kill.after('turn.completed', nth(2))],
  ['the power fails with a turn half way to its end', ring0.cutPower().after('turn.before_end', nth(3))],
])('%s: each update is there once', async (_what, fault) => {
  for (const seed of [1, 2, 3]) {
    await live(counting, [fault], seed)
    for (let n = 0; n < 6; n += 1) post()
    await w.run(60_000)
    const { n, seen } = (await state()) as { n: number; seen: string[] }
    expect([n, seen.length, new Set(seen).size], `seed ${seed}`).toEqual([6 * 111, 6, 6])
    await end()
    w.close()
  }
})

test('a turn reads what stood there when it began, also in the life behind a crash', async () => {
  const read: unknown[] = []
  await live(
    {
      context: { initialState: { rate: 1, gone: 'there' } },
      async run(_event, ctx) {
        const before = [ctx.state.get('rate'), ctx.state.get('gone'), ctx.state.get('late')]
        await ctx.sleep('1m')
        read.push([
          before,
          [ctx.state.get('rate'), ctx.state.get('gone'), ctx.state.get('late')],
          ctx.state.keys().sort(),
        ])
      },
    },
    [crash('teller').at(40_000), ring0.kill.at(50_000)],
  )
  post()
  await w.run(20_000)
  patch({ rate: 2, late: 'now' } as never)
  await w.run(120_000)
  const snapshot = [1, 'there', undefined]
  expect(read).toEqual([[snapshot, snapshot, ['gone', 'rate']]])
  post()
  await w.run(120_000)
  expect(read[1]).toMatchObject([
    [2, 'there', 'now'],
    [2, 'there', 'now'],
    ['gone', 'late', 'rate'],
  ])
  await end()
})

test('the attempt behind a failure reads anew, so an operator can mend what it stumbled over', async () => {
  await live({
    context: { initialState: { divisor: 0 } },
    run(_event, ctx) {
      if (ctx.state.get('divisor') === 0) throw new Error('division by zero')
      return ctx.state.get('divisor')
    },
  })
  post()
  await w.run(1_000)
  patch({ divisor: 5 } as never)
  await w.run(60_000)
  expect(teller()?.status().counters).toMatchObject({ completed: 1, deadLettered: 0 })
  await end()
})

test('of two turns that set a key the last one wins, and whose value it replaced unread is told', async () => {
  await live({
    async run(event, ctx) {
      const { name, ms } = event.payload as { name: string; ms: number }
      await ctx.sleep(ms)
      ctx.state.set('owner', name)
    },
  })
  post({ name: 'slow', ms: 10_000 })
  post({ name: 'quick', ms: 1_000 })
  await ended(2)
  const [overwritten, ...more] = await records('state.overwritten')
  const [last, first] = await records('turn.completed')
  expect(more).toEqual([])
  expect(overwritten).toMatchObject({
    turn: last?.turn,
    data: { key: 'owner', overwritten: first?.turn, by: last?.turn },
  })
  expect(await teller()?.stateHistory('owner')).toMatchObject([
    { value: 'quick', source: first?.turn },
    { value: 'slow', source: last?.turn, overwrote: first?.turn },
  ])
  await end()
})

test('a patch is a commit of its own: an update comes on top of it, a set over it is told', async () => {
  await live({
    context: { initialState: { n: 1, mode: 'a' } },
    async run(_event, ctx) {
      ctx.state.update<number>('n', (n = 0) => n + 1)
      ctx.state.set('mode', 'mine')
      await ctx.sleep(10_000)
    },
  })
  post()
  await w.run(2_000)
  patch({ n: 100, mode: 'theirs' } as never)
  await w.run(60_000)
  expect(await state()).toEqual({ n: 101, mode: 'mine' })
  expect(await records('state.overwritten')).toMatchObject([{ data: { key: 'mode', overwritten: 'operator' } }])
  await end()
})

test('whoever is overtaken each time fails the attempt with STATE_CONFLICT, and leaves nothing', async () => {
  let calls = 0
  await live({
    delivery: { maxRetries: 0 },
    async run(_event, ctx) {
      await ctx.sleep(1_000)
      ctx.state.set('trace', 'left')
      ctx.state.update<number>('n', (n = 0) => {
        calls += 1
        // Somebody is quicker than any message.
        patch({ n: n + calls } as never)
        return n + 1
      })
    },
  })
  post()
  await w.run(60_000)
  expect(await records('turn.dead_lettered')).toMatchObject([{ data: { error: { code: 'STATE_CONFLICT' } } }])
  expect([calls, Object.keys((await state()) ?? {})]).toEqual([9, ['n']])
  await end()
})

test('an update that cannot be done on what stands there now fails the attempt, not the agent', async () => {
  await live({
    delivery: { maxRetries: 0 },
    async run(_event, ctx) {
      ctx.state.update<{ list: string[] }>('box', (box = { list: [] }) => ({ list: box.list.concat('x') }))
      await ctx.sleep(5_000)
    },
  })
  post()
  await w.run(1_000)
  patch({ box: 'no box at all' } as never)
  await w.run(60_000)
  expect(teller()?.status()).toMatchObject({ counters: { deadLettered: 1 }, restarts: 0 })
  expect(await state()).toEqual({ box: 'no box at all' })
  await end()
})

test('a key outside of writable_keys may be patched and not written', async () => {
  await live({
    context: { writableKeys: ['mine'] },
    delivery: { maxRetries: 0 },
    run(_event, ctx) {
      ctx.state.set('mine', 1)
      ctx.state.add('theirs', 1)
    },
  })
  post()
  await w.run(10_000)
  const [letter] = await records('turn.dead_lettered')
  expect(letter?.data).toMatchObject({
    error: { code: 'STATE_DENIED', message: expect.stringContaining('context: { writable_keys: [mine, theirs] }') },
  })
  patch({ theirs: 7 } as never)
  await w.run(1_000)
  expect(await state()).toEqual({ theirs: 7 })
  await end()
})
