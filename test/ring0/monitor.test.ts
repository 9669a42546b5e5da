import type { Down } from '@vigil/agent'
import { crash, type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

const idle: WorldAgent = { run: () => 'here' }
/** Watches whom its event names, and keeps what it hears. */
const watcher = (heard: Down[]): WorldAgent => ({
  run: async (event, ctx) => {
    const down = await ctx.monitor((event.payload as { whom: string }).whom)
    heard.push(down)
    ctx.state.append('heard', down)
    return down
  },
  maxTurn: '7d',
})

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[] = []): Promise<World> {
  w = world({ seed: 1, agents, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  return w
}

const watch = (whom: string) => void w.client.postEvent('watcher', { whom })
const heardOf = async () => (await w.supervisor?.get('watcher').context())?.state.heard

async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

test('DOWN comes when the life ends that was there, once, with its cause', async () => {
  const heard: Down[] = []
  await live({ watcher: watcher(heard), idle }, [crash('idle').at(60_000), crash('idle').at(120_000)])
  watch('idle')
  await w.run(50_000)
  expect(heard).toEqual([])
  await w.run(200_000)
  expect(heard).toEqual([{ process: 'idle', epoch: 1, cause: expect.objectContaining({ kind: 'signal' }) }])
  await end()
})

test('who is asked to stop is down by shutdown', async () => {
  const heard: Down[] = []
  await live({ watcher: watcher(heard), idle })
  watch('idle')
  await w.run(1_000)
  void w.supervisor?.get('idle').stop()
  await w.run(10_000)
  expect(heard).toMatchObject([{ process: 'idle', epoch: 1, cause: { kind: 'shutdown' } }])
  await end()
})

test.each(['nobody', 'stopped'])('monitor_of_dead_gives_noproc: %s', async (whom) => {
  const heard: Down[] = []
  await live({ watcher: watcher(heard), stopped: idle })
  void w.supervisor?.get('stopped').stop()
  await w.run(10_000)
  watch(whom)
  await w.run(1_000)
  expect(heard).toEqual([{ process: whom, cause: { kind: 'noproc' } }])
  await end()
})

test('DOWN_exactly_once: also when the watcher, the watched or ring 0 dies while it waits', async () => {
  const heard: Down[] = []
  await live({ watcher: watcher(heard), idle }, [
    crash('watcher').at(30_000),
    crash('idle').at(60_000),
    crash('watcher').after('effect.completed', nth(1)),
    ring0.kill.after('turn.completed', nth(1)),
  ])
  watch('idle')
  await w.run(300_000)
  expect(await heardOf()).toMatchObject([{ process: 'idle', epoch: 1, cause: { kind: 'signal' } }])
  await end()
})

test('a life that ended with ring 0 is down, and the next one is not taken for it', async () => {
  const heard: Down[] = []
  await live({ watcher: watcher(heard), idle }, [ring0.kill.at(30_000)])
  watch('idle')
  await w.run(120_000)
  expect(await heardOf()).toMatchObject([{ process: 'idle', epoch: 1, cause: { kind: 'cell_lost' } }])
  await end()
})

test('a turn that is over watches nobody', async () => {
  const heard: Down[] = []
  const impatient: WorldAgent = {
    run: (_event, ctx) => Promise.race([ctx.monitor('idle').then((down) => heard.push(down)), ctx.sleep('1m')]),
  }
  await live({ watcher: impatient, idle }, [crash('idle').at(200_000)])
  watch('idle')
  await w.run(100_000)
  expect(w.supervisor?.get('watcher').status().counters).toMatchObject({ completed: 1 })
  await w.run(200_000)
  expect(heard).toEqual([])
  await end()
})

test('a turn that only waits stands at a boundary: stop does not sit out shutdown_timeout', async () => {
  await live({
    sleeper: { run: (_event, ctx) => ctx.sleep('1h'), shutdownTimeout: '30m' },
    watcher: { ...watcher([]), shutdownTimeout: '30m' },
    idle,
  })
  void w.client.postEvent('sleeper', {})
  watch('idle')
  await w.run(10_000)
  void w.supervisor?.get('sleeper').stop()
  void w.supervisor?.get('watcher').stop()
  await w.run(5_000)
  expect(['sleeper', 'watcher'].map((name) => w.supervisor?.get(name).state)).toEqual(['stopped', 'stopped'])
  await end()
})
