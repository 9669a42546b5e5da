import type { AgentContext } from '@vigil/agent'
import {
  crash,
  disk,
  type Fault,
  judge,
  ring0,
  type World,
  type WorldAgent,
  type WorldOptions,
  world,
} from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(
  agents: Record<string, WorldAgent>,
  faults: readonly Fault[] = [],
  more: Partial<WorldOptions> = {},
): Promise<World> {
  w = world({ seed: 1, agents, faults, adopts: false, ...more })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  return w
}

const end = async (): Promise<void> => {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const statusOf = (name: string) => w.supervisor?.get(name).status()
const post = (name: string, key: string) => void w.client.postEvent(name, { key }, { idempotencyKey: key })
const typesOf = (name: string) =>
  w.told.flat().flatMap((record) => (record.process === name && /^incarnation/.test(record.type) ? [record.type] : []))

const idle: WorldAgent = { run: () => 'done', hibernateAfter: '30s' }

test('an idle agent gives its thread back and runs on; the next event wakes it', async () => {
  await live({ a: idle })
  await w.run(20_000)
  expect(statusOf('a')).toMatchObject({ state: 'running', residency: 'resident', epoch: 1 })
  await w.run(20_000)
  expect(statusOf('a')).toMatchObject({ state: 'running', residency: 'hibernated', epoch: 1 })
  expect(w.cells.living).toEqual([])
  post('a', 'wake up')
  await w.run(2_000)
  expect(statusOf('a')).toMatchObject({ residency: 'resident', epoch: 2, restarts: 0, counters: { completed: 1 } })
  expect(statusOf('a')?.lastExit).toBeUndefined()
  await end()
})

test('hibernate_after counts from the end of the last turn; 0 is never', async () => {
  await live({ a: idle, b: { ...idle, hibernateAfter: 0 } })
  for (const key of ['1', '2', '3', '4']) {
    await w.run(20_000)
    post('a', key)
  }
  await w.run(20_000)
  expect(statusOf('a')).toMatchObject({ residency: 'resident', epoch: 1 })
  await w.run(200_000)
  expect([statusOf('a')?.residency, statusOf('b')?.residency]).toEqual(['hibernated', 'resident'])
  await end()
})

test('after a death of ring 0 whoever has nothing to do is left asleep, and whoever has is not', async () => {
  const slow: WorldAgent = { run: (_, ctx) => ctx.sleep('60s') }
  await live({ a: idle, b: slow }, [ring0.kill.at(10_000)])
  post('b', 'work')
  await w.run(30_000)
  expect(w.starts).toBe(2)
  expect(statusOf('a')).toMatchObject({ state: 'running', residency: 'hibernated', epoch: 1 })
  expect(statusOf('b')).toMatchObject({ state: 'running', residency: 'resident', epoch: 2 })
  await end()
})

test.each([1, 20])('stop, suspend and remove work on a process that has slept for %i minutes', async (minutes) => {
  await live({ a: idle, b: idle, c: idle })
  await w.run(minutes * 60_000)
  void w.supervisor?.get('a').stop()
  void w.supervisor?.get('b').suspend()
  void w.supervisor?.get('c').remove()
  await w.run(2_000)
  expect(statusOf('a')).toMatchObject({
    state: 'stopped',
    residency: 'absent',
    lastExit: { cause: { kind: 'shutdown' } },
  })
  expect(statusOf('b')).toMatchObject({ state: 'suspended' })
  expect(w.supervisor?.list().map(({ name }) => name)).toEqual(['a', 'b'])
  post('b', 'later')
  await w.run(2_000)
  expect(statusOf('b')).toMatchObject({ counters: { accepted: 1, completed: 0 } })
  void w.supervisor?.get('b').resume()
  await w.run(2_000)
  expect(statusOf('b')).toMatchObject({ state: 'running', counters: { completed: 1 } })
  await end()
})

test('a retry that is due wakes a process that went to sleep in between', async () => {
  const second: WorldAgent = {
    hibernateAfter: '10s',
    delivery: { retryBackoff: '60s' },
    run(_, ctx) {
      if (ctx.turn.attempt === 1) throw new Error('once more')
      return 'done'
    },
  }
  await live({ a: second })
  post('a', 'it')
  await w.run(20_000)
  expect(statusOf('a')).toMatchObject({ residency: 'hibernated', mailbox: { open: 1 } })
  await w.run(100_000)
  expect(statusOf('a')).toMatchObject({ counters: { completed: 1 } })
  await end()
})

test('who waits for ring 0 and may be evicted gives its thread back, and goes on where it was', async () => {
  const seen: string[] = []
  const sleeper = (evictable: boolean): WorldAgent => ({
    evictable,
    async run(_, ctx) {
      const before = await ctx.step('before', () => `before ${ctx.process}`)
      seen.push(before)
      await ctx.sleep('30m')
      return await ctx.step('after', () => 'after')
    },
    maxTurn: '1h',
  })
  await live({ a: sleeper(true), b: sleeper(false) })
  post('a', 'it')
  post('b', 'it')
  await w.run(10_000)
  expect(statusOf('a')).toMatchObject({ state: 'running', residency: 'hibernated', mailbox: { open: 1 } })
  expect(statusOf('b')).toMatchObject({ residency: 'resident' })
  await w.run(1_900_000)
  expect(statusOf('a')).toMatchObject({ counters: { completed: 1 }, epoch: 2, restarts: 0 })
  expect(seen.filter((line) => line === 'before a')).toHaveLength(2)
  expect(typesOf('a').slice(0, 3)).toEqual(['incarnation.started', 'incarnation.released', 'incarnation.started'])
  await end()
})

test('that its running time is put on record does not wake who waits', async () => {
  const run: WorldAgent['run'] = async (_, ctx) => {
    await ctx.step('work', () => new Promise<void>((done) => w.clock.setTimer(500, () => done())))
    await ctx.sleep('30m')
  }
  await live({ a: { evictable: true, run, maxTurn: '1h' } })
  post('a', 'it')
  await w.run(60_000)
  expect(w.told.flat().filter(({ type }) => type === 'turn.ran')).not.toEqual([])
  expect(statusOf('a')).toMatchObject({ residency: 'hibernated', mailbox: { open: 1 } })
  await w.run(1_900_000)
  expect(statusOf('a')).toMatchObject({ counters: { completed: 1 }, epoch: 2 })
  await end()
})

test('who gave its thread back while the disk took its time goes on when its record is there', async () => {
  const run: WorldAgent['run'] = (_, ctx) => ctx.publish('begun', 1)
  await live({ a: { evictable: true, run } }, [disk.slow(10_000).between(5_000, 65_000)])
  await w.run(6_000 - w.clock.monotonic())
  post('a', 'it')
  await w.run(200_000)
  expect(typesOf('a')).toContain('incarnation.released')
  expect(statusOf('a')?.counters).toMatchObject({ completed: 1 })
  await end()
})

test.each([
  [
    'waits for the disk',
    [disk.slow(10_000).between(5_000, 65_000)],
    (ctx: AgentContext) => ctx.step('pay', () => 'paid', { once: true }),
  ],
  [
    'runs beside a wait',
    [],
    async (ctx: AgentContext) => {
      const slow = ctx.step('pay', () => new Promise((done) => w.clock.setTimer(10_000, () => done('paid'))), {
        once: true,
      })
      return (await Promise.all([slow, ctx.sleep('30s')]))[0]
    },
  ],
])('a step that may begin only once and %s is not evicted: nothing is in doubt', async (_, faults, run) => {
  await live({ a: { evictable: true, run: (_event, ctx) => run(ctx) } }, faults)
  await w.run(6_000 - w.clock.monotonic())
  post('a', 'it')
  await w.run(300_000)
  const records = w.told.flat().filter(({ process }) => process === 'a')
  expect(records.find(({ type }) => type === 'turn.parked')).toBeUndefined()
  expect(records.findLast(({ type }) => type === 'turn.completed')?.data).toMatchObject({ result: 'paid' })
  await end()
})

test('an evicted turn does not keep its agent from the next event', async () => {
  const both: WorldAgent = {
    evictable: true,
    concurrency: 2,
    run: (event, ctx) => ((event.payload as { key: string }).key === 'long' ? ctx.sleep('30m') : 'quick'),
    maxTurn: '1h',
  }
  await live({ a: both })
  post('a', 'long')
  await w.run(10_000)
  post('a', 'quick')
  await w.run(2_000)
  expect(statusOf('a')).toMatchObject({ counters: { completed: 1 }, mailbox: { open: 1 } })
  await w.run(1_900_000)
  expect(statusOf('a')).toMatchObject({ counters: { completed: 2 }, mailbox: { open: 0 } })
  await end()
})

test('a monitor does not take a rest for an end, and hears of the end that comes later', async () => {
  const watcher: WorldAgent = {
    maxTurn: '7d',
    async run(_, ctx) {
      ctx.state.append('heard', await ctx.monitor('a'))
    },
  }
  await live({ a: idle, watcher }, [crash('a').at(200_000)])
  post('watcher', 'watch')
  await w.run(100_000)
  expect(statusOf('a')?.residency).toBe('hibernated')
  expect(statusOf('watcher')?.counters.completed).toBe(0)
  await w.run(90_000)
  post('a', 'wake up')
  await w.run(60_000)
  const { state } = (await w.supervisor?.get('watcher').context()) ?? {}
  expect(state?.heard).toEqual([{ process: 'a', epoch: 1, cause: expect.objectContaining({ kind: 'signal' }) }])
  await end()
})

test('who has slept for hours is in the tree, restarts when asked, and its crashes count as ever', async () => {
  const once: WorldAgent = { ...idle, maxRestarts: 1, restartBackoff: 0 }
  await live(
    { a: once },
    [1, 2].map((n) => crash('a').at(7 * 3_600_000 + n * 5_000)),
  )
  await w.run(3 * 3_600_000)
  expect(w.supervisor?.tree()).toMatchObject([{ kind: 'agent', name: 'a', state: 'running' }])
  void w.supervisor?.get('a').restart()
  await w.run(2_000)
  expect(statusOf('a')).toMatchObject({ residency: 'resident', epoch: 2 })
  await w.run(4 * 3_600_000)
  expect(statusOf('a')).toMatchObject({ residency: 'hibernated', epoch: 2 })
  post('a', 'wake up')
  await w.run(20_000)
  expect(statusOf('a')).toMatchObject({ state: 'failed', restarts: 1, parked: expect.stringContaining('more than 1') })
  await end()
})

test.each([1, 20])('a monitor of a process that has slept for %i minutes hears when it is stopped', async (minutes) => {
  const watcher: WorldAgent = {
    maxTurn: '7d',
    async run(_, ctx) {
      ctx.state.append('heard', await ctx.monitor('a'))
    },
  }
  await live({ a: idle, watcher })
  await w.run(minutes * 60_000)
  post('watcher', 'watch')
  await w.run(1_000)
  void w.supervisor?.get('a').stop()
  await w.run(1_000)
  const { state } = (await w.supervisor?.get('watcher').context()) ?? {}
  expect(state?.heard).toEqual([{ process: 'a', epoch: 1, cause: { kind: 'shutdown' } }])
  await end()
})

test('with room for two, ten agents take turns, in the order of their events', async () => {
  const names = Array.from({ length: 10 }, (_, n) => `agent-${n}`)
  const order: string[] = []
  const worker: WorldAgent = {
    async run(_, ctx) {
      await ctx.sleep(50)
      order.push(ctx.process)
    },
  }
  await live(Object.fromEntries(names.map((name) => [name, worker])), [], { cells: { maxResident: 2 } })
  await w.run(60_000)
  for (const name of names.toReversed()) post(name, name)
  await w.run(1)
  let most = 0
  await w.until(() => {
    most = Math.max(most, w.cells.living.length)
    return order.length === 10
  }, 60_000)
  // Two are at it at a time, and one of them may be quicker.
  for (const [place, name] of names.toReversed().entries())
    expect(Math.abs(order.indexOf(name) - place), name).toBeLessThanOrEqual(2)
  expect(most).toBe(2)
  await end()
})
