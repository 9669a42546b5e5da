import { defineTool } from '@vigil/agent'
import { judge, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** Budgets of running processes: what waits for room, and goes on by itself. */
let w: World
afterEach(() => w.close())

const hour = 3_600_000
const done: WorldAgent['run'] = () => 'done'

async function live(agents: Record<string, WorldAgent>): Promise<void> {
  w = world({ seed: 1, agents })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const counters = (name = 'worker') => w.supervisor?.get(name).status().counters
/** What a person hears; the wait for the disk is virtual time. */
async function hear<T>(call: Promise<T>): Promise<T> {
  call.catch(() => undefined)
  await w.run(1_000)
  return await call
}
const post = (count: number) => {
  for (let k = 0; k < count; k += 1) void w.client.postEvent('worker', {})
}

test('runs beyond the limit of a day wait for the next, and none is lost', async () => {
  await live({ worker: { run: done, concurrency: 4, budget: { maxDailyRuns: 3 } } })
  post(8)
  await w.run(hour)
  expect(counters()).toMatchObject({ accepted: 8, completed: 3 })
  w.kill()
  expect(await w.until(() => w.settled, 60_000)).toBe(true)
  await w.run(hour)
  expect(counters()?.completed).toBe(3)
  await w.run(24 * hour)
  expect(counters()?.completed).toBe(6)
  await w.run(24 * hour)
  expect(counters()?.completed).toBe(8)
  await end()
})

test('an operator who gives more lets those go on that wait', async () => {
  await live({ worker: { run: done, budget: { maxDailyRuns: 1 } } })
  post(4)
  await w.run(hour)
  expect(counters()?.completed).toBe(1)
  const { revision } = await hear(w.client.changeBudget('worker', { max_runs_per_day: 3 }, 0))
  expect(revision).toBe(1)
  await w.run(1_000)
  expect(counters()?.completed).toBe(3)
  await expect(hear(w.client.changeBudget('worker', { max_daily_runs: 9 }, 0))).rejects.toMatchObject({
    code: 'REVISION',
  })
  await expect(hear(w.client.changeBudget('worker', { max_dayly_runs: 9 }))).rejects.toMatchObject({
    code: 'UNKNOWN_FIELD',
  })
  w.kill()
  expect(await w.until(() => w.settled, 60_000)).toBe(true)
  await w.run(hour)
  expect(counters()?.completed).toBe(3)
  expect(w.supervisor?.get('worker').status().budget).toMatchObject({
    revision: 1,
    limits: expect.arrayContaining([{ per: 'day', kind: 'runs', limit: 3, spent: 3, reserved: 0 }]),
  })
  await hear(w.client.changeBudget('worker', { max_daily_runs: null }))
  await hear(w.client.changeBudget('worker', { max_daily_runs: 4 }))
  await w.run(1_000)
  expect(counters()?.completed).toBe(4)
  expect((await hear(w.client.spend())).agents).toMatchObject([{ name: 'worker', day: { runs: 4 } }])
  await end()
})

test('after a leap of the clock no day begins before an operator says that it is right', async () => {
  await live({ worker: { run: done, budget: { maxDailyRuns: 1 } } })
  post(2)
  await w.run(hour)
  w.clock.stepWall(48 * hour)
  await w.run(hour)
  expect(counters()?.completed).toBe(1)
  expect(w.supervisor?.get('worker').status().budget.held).toBe(true)
  await hear(w.client.confirmClock())
  await w.run(1_000)
  expect(counters()?.completed).toBe(2)
  await end()
})

test('people are warned once when a limit comes near', async () => {
  await live({ worker: { run: done, budget: { maxDailyRuns: 5 } } })
  for (let k = 0; k < 5; k += 1) {
    post(1)
    await w.run(60_000)
  }
  const { records } = (await w.supervisor?.get('worker').journal({ type: 'budget.warned' })) ?? {}
  expect(records?.map(({ data }) => data)).toEqual([{ per: 'day', kind: 'runs', limit: 5, spent: 4 }])
  await end()
})

test('a retry is no new run', async () => {
  const run: WorldAgent['run'] = (_event, ctx) => {
    if (ctx.turn.attempt === 1) throw new Error('again')
    return 'done'
  }
  await live({ worker: { run, budget: { maxDailyRuns: 1 } } })
  post(2)
  await w.run(hour)
  expect(counters()).toMatchObject({ completed: 1, deadLettered: 0 })
  await end()
})

test('who waits for the purse of whom it came from goes on when that one is given more', async () => {
  await live({ worker: { run: done, budget: { maxDailyRuns: 2 } } })
  await hear(w.client.fork('worker', 'child'))
  await hear(w.client.control('child', 'start'))
  post(2)
  await w.run(1_000)
  void w.client.postEvent('child', {})
  await w.run(hour)
  expect(counters('child')?.completed).toBe(0)
  await hear(w.client.changeBudget('worker', { max_daily_runs: 3 }))
  await w.run(1_000)
  expect(counters('child')?.completed).toBe(1)
  await end()
})

test('what days and turns came to that are over is told, also after a restart', async () => {
  const pay = defineTool({ name: 'pay', cost: 0.25, run: () => 'paid' })
  await live({ worker: { run: async (_event, ctx) => await ctx.tools.call('pay', null), tools: [pay] } })
  post(1)
  await w.run(hour)
  const days = [{ from: '2026-01-01T00:00:00.000Z', spent: { usd: 0.25, tool_calls: 1, runs: 1 } }]
  expect((await hear(w.client.spend('worker'))).agents).toMatchObject([{ days: [], day: days[0]?.spent }])
  await w.run(24 * hour)
  const [turn] = (await hear(w.client.turns('worker'))).turns
  const looks = async () => {
    expect((await hear(w.client.spend('worker'))).agents).toMatchObject([{ name: 'worker', day: {}, days }])
    expect((await hear(w.client.process('worker'))).budget.days).toEqual(days)
    expect(await hear(w.client.turnSpend('worker', turn?.turn ?? ''))).toMatchObject({
      spent: { usd: 0.25, tool_calls: 1 },
      reserved: {},
      calls: [{ kind: 'tool', tool: 'pay', spent: { usd: 0.25, tool_calls: 1 }, reserved: {} }],
    })
  }
  await looks()
  w.kill()
  expect(await w.until(() => w.settled, 60_000)).toBe(true)
  await looks()
  await expect(hear(w.client.turnSpend('worker', 'none'))).rejects.toMatchObject({ code: 'TURN_NOT_FOUND' })
  await expect(hear(w.client.turnSpend('nobody', 'none'))).rejects.toMatchObject({ code: 'PROCESS_NOT_FOUND' })
  await end()
})
