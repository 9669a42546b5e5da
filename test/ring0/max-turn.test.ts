import type { HttpReply } from '@vigil/protocol'
import { crash, judge, type World, type WorldAgent, type WorldOptions, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>, options: Partial<WorldOptions> = {}): Promise<void> {
  w = world({ seed: 1, agents, ...options })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  void w.client.postEvent('worker', {})
}
const counters = () => w.supervisor?.get('worker').status().counters
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

/** Each request takes six seconds. */
const ok: HttpReply = { status: 200, statusText: 'OK', headers: {}, body: new Uint8Array() }
const slowly = {
  answers: () => new Promise<HttpReply>((resolve) => void w.clock.setTimer(6_000, () => resolve(ok))),
}
const get = 'http://out.test/get'
const hurried = { maxTurn: '10s', network: { allow: ['out.test'] }, delivery: { maxRetries: 0 } }

test('waiting is no running time, however much of it there is at once', async () => {
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await Promise.all([ctx.sleep('1h'), ctx.sleep('2h'), Promise.race([ctx.monitor('idle'), ctx.sleep('3h')])])
    await ctx.sleep('1h')
  }
  await live({ worker: { ...hurried, run }, idle: { run: () => null } })
  await w.run(4 * 3_600_000 - 60_000)
  expect(counters()?.completed).toBe(0)
  await w.run(120_000)
  expect(counters()?.completed).toBe(1)
  await end()
})

test('waiting for an effect is running time, before and behind a wait and beside one', async () => {
  const run: WorldAgent['run'] = async (_event, ctx) => {
    void ctx.monitor('idle').catch(() => undefined)
    await ctx.fetch(`${get}/1`)
    await ctx.sleep('1h')
    await ctx.fetch(`${get}/2`)
    await ctx.fetch(`${get}/3`)
  }
  await live({ worker: { ...hurried, run }, idle: { run: () => null } }, slowly)
  await w.run(3_600_000)
  expect(counters()?.deadLettered).toBe(0)
  await w.run(60_000)
  const [letter] = (await w.supervisor?.get('worker').journal({ type: 'turn.dead_lettered' }))?.records ?? []
  expect(letter?.data).toMatchObject({ error: { code: 'TURN_TIMEOUT' } })
  await end()
})

test('a turn that is suspended at its step does not run', async () => {
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await ctx.fetch(`${get}/1`)
    await ctx.step('behind', () => null)
  }
  await live({ worker: { ...hurried, run } }, slowly)
  await w.run(2_000)
  void w.supervisor?.get('worker').suspend()
  await w.run(3_600_000)
  void w.supervisor?.get('worker').resume()
  await w.run(10_000)
  expect(counters()).toMatchObject({ completed: 1, deadLettered: 0 })
  await end()
})

test('a guest that does not answer when it is told that time is up dies of it, and the attempt goes on in the next life', async () => {
  let lives = 0
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await ctx.step('first', () => null)
    lives += 1
    if (lives === 1) w.cells.hang('worker')
    await ctx.step('second', () => null)
    return lives
  }
  await live({ worker: { ...hurried, heartbeatTimeout: '30s', run } })
  await w.run(120_000)
  expect(counters()).toMatchObject({ completed: 1, deadLettered: 0 })
  expect(w.supervisor?.get('worker').status().lastExit).toMatchObject({ cause: { kind: 'heartbeat_lost' } })
  await end()
})

const records = (type: string) => w.told.flat().filter((record) => record.type === type)

/** Runs six seconds, is cut, and runs six more: beyond the ten that it has. */
const twice: WorldAgent['run'] = async (_event, ctx) => {
  await ctx.fetch(`${get}/1`)
  await ctx.sleep('1h')
  await ctx.fetch(`${get}/2`)
}
const timedOut = { error: { code: 'TURN_TIMEOUT' } }

test('a turn that gave its thread back does not run', async () => {
  await live({ worker: { ...hurried, evictable: true, run: twice } }, slowly)
  await w.run(2 * 3_600_000)
  expect(records('incarnation.released').length).toBeGreaterThan(2)
  expect(counters()?.completed).toBe(1)
  await end()
})

test('running time counts over an eviction', async () => {
  const sixSeconds = () => new Promise<void>((done) => w.clock.setTimer(6_000, () => done()))
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await ctx.step('work', sixSeconds)
    await ctx.sleep('1h')
    await ctx.step('more work', sixSeconds)
  }
  await live({ worker: { ...hurried, evictable: true, run } })
  await w.run(2 * 3_600_000)
  expect(records('incarnation.released').length).toBeGreaterThan(0)
  expect(records('turn.dead_lettered')[0]?.data).toMatchObject(timedOut)
  await end()
})

test.each(['restart of the process', 'kill of ring 0'])('running time counts over a %s', async (how) => {
  await live({ worker: { ...hurried, run: twice } }, slowly)
  await w.run(60_000)
  if (how === 'kill of ring 0') w.kill()
  else void w.supervisor?.get('worker').restart()
  await w.run(2 * 3_600_000)
  expect(records('turn.dead_lettered')[0]?.data).toMatchObject(timedOut)
  await end()
})

test('running time counts over the death of a guest, and begins anew with the next attempt', async () => {
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await ctx.fetch(`${get}/1`)
    await ctx.sleep('1m')
    if (ctx.turn.attempt === 1) await ctx.fetch(`${get}/2`)
  }
  const { delivery: _, ...manifest } = hurried
  await live({ worker: { ...manifest, run } }, { ...slowly, faults: [crash('worker').at(40_000)] })
  await w.run(600_000)
  expect(records('turn.attempt_failed')[0]?.data).toMatchObject(timedOut)
  expect(counters()?.completed).toBe(1)
  await end()
})
