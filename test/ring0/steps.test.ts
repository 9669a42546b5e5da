import { type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function turnOf(agent: WorldAgent, faults: readonly Fault[] = []) {
  w = world({ seed: 1, agents: { worker: { network: { allow: ['out.test'] }, ...agent } }, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  void w.client.postEvent('worker', null).catch(() => undefined)
  await w.run(600_000)
  const counters = w.supervisor?.get('worker').status().counters
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations).toEqual([])
  const ends = log.filter(
    ({ type }) => type === 'turn.completed' || type === 'turn.dead_lettered' || type === 'turn.parked',
  )
  return { counters, ends: ends.map(({ type, data }) => ({ type, ...data })), log }
}

test('a step that is tried again sends what it sends under one idempotency key, and waits in between', async () => {
  const at: number[] = []
  const keys = new Set<string>()
  const { ends } = await turnOf({
    run: (_event, ctx) =>
      ctx.step(
        'charge',
        async ({ key, attempt }) => {
          keys.add(key)
          at.push(w.clock.monotonic())
          await ctx.fetch('http://out.test/charge', { method: 'POST' })
          if (attempt < 4) throw new Error('the receipt is missing')
          return attempt
        },
        { retries: 3 },
      ),
  })
  expect(ends).toMatchObject([{ type: 'turn.completed', result: 4 }])
  const sent = w.outside.done.map(({ idempotencyKey }) => idempotencyKey)
  expect([sent.length, new Set(sent).size, keys.size]).toEqual([4, 1, 1])
  const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0))
  for (const [index, least] of [1_500, 3_000, 6_000].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(least)
    expect(waits[index]).toBeLessThan(least * 1.5)
  }
})

test.each([1, 2, 3, 4, 5, 6, 7])(
  'ring 0 dies at outcome %i: no failed try is run again, none comes on top',
  async (n) => {
    const tries: number[] = []
    const { ends } = await turnOf(
      {
        run: (_event, ctx) =>
          ctx.step(
            'pull',
            async ({ attempt }) => {
              tries.push(attempt)
              await ctx.publish('pulling', attempt)
              throw new Error(`failure ${attempt}`)
            },
            { retries: 2 },
          ),
        delivery: { maxRetries: 0 },
      },
      [ring0.kill.after('effect.completed', nth(n))],
    )
    expect(ends).toMatchObject([{ type: 'turn.dead_lettered', error: { message: 'failure 3' } }])
    // The one that was under way when ring 0 died is begun again.
    const again = tries.filter((each, index) => tries.indexOf(each) !== index)
    expect([...new Set(tries)]).toEqual([1, 2, 3])
    expect(again.length).toBeLessThanOrEqual(1)
  },
)

test('past its timeout a step rejects, and the turn goes on without it', async () => {
  const { ends } = await turnOf({
    run: (_event, ctx) =>
      ctx
        .step('slow', () => new Promise(() => undefined), { timeout: '30s' })
        .catch(async (error: { code: string }) => {
          await ctx.publish('slow', ctx.now())
          return error.code
        }),
  })
  expect(ends).toMatchObject([{ type: 'turn.completed', result: 'STEP_TIMEOUT' }])
})

/** Pays, and ring 0 dies in the middle: before or after the deed. */
const paying = (deeds: string[], finds: (key: string) => boolean): WorldAgent => ({
  run: (_event, ctx) =>
    ctx.step(
      'pay',
      async ({ key }) => {
        await ctx.publish('paying', null)
        deeds.push(key)
        await ctx.publish('paid', null)
        return `paid ${deeds.length}`
      },
      {
        once: true,
        reconcile: (key) => (finds(key) ? { done: true, value: 'found' } : { done: false }),
      },
    ),
})

test('a step that runs once and was done is not done again when its reconcile finds it', async () => {
  const deeds: string[] = []
  const { ends } = await turnOf(
    paying(deeds, (key) => deeds.includes(key)),
    [ring0.kill.after('bus.published', nth(2))],
  )
  expect([deeds.length, ends]).toMatchObject([1, [{ type: 'turn.completed', result: 'found' }]])
})

test('and is done when it had not been', async () => {
  const deeds: string[] = []
  const { ends } = await turnOf(
    paying(deeds, (key) => deeds.includes(key)),
    [ring0.kill.after('bus.published', nth(1))],
  )
  expect([new Set(deeds).size, ends]).toMatchObject([1, [{ type: 'turn.completed' }]])
})

test('a reconcile that cannot tell leaves the turn to people', async () => {
  const deeds: string[] = []
  const unsure = paying(deeds, () => {
    throw new Error('the bank does not answer')
  })
  const { ends } = await turnOf(unsure, [ring0.kill.after('bus.published', nth(2))])
  expect(deeds.length).toBe(1)
  expect(ends).toMatchObject([{ type: 'turn.parked', doubts: ['step:pay#0'], error: { code: 'EFFECT_IN_DOUBT' } }])
})
