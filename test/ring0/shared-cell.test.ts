import { crash, type Fault, forge, judge, leak, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[]): Promise<World> {
  w = world({ seed: 1, agents, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  return w
}
const end = async (): Promise<void> => {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const statusOf = (name: string) => w.supervisor?.get(name).status()
const pidOf = (name: string) => statusOf(name)?.pid
const post = (name: string, key: string) => void w.client.postEvent(name, { key }, { idempotencyKey: key })

const member: WorldAgent = { isolation: 'thread', hibernateAfter: 0, run: () => 'done' }
const busy: WorldAgent = { ...member, run: (_, ctx) => ctx.sleep('60s') }
const steps: WorldAgent = { ...member, maxRestarts: 0, restartBackoff: '30s' }

test('who is in the cell of somebody that dies goes on at once, uncharged', async () => {
  await live({ a: steps, b: steps, own: { run: () => 'done' } }, [crash('a').at(30_000)])
  await w.run(20_000)
  expect(pidOf('a')).toBe(pidOf('b'))
  expect(pidOf('own')).not.toBe(pidOf('a'))
  await w.run(15_000)
  // No restart is allowed at all, and each would wait for 30 s.
  for (const name of ['a', 'b'])
    expect(statusOf(name)).toMatchObject({
      state: 'running',
      epoch: 2,
      lastExit: { cause: { kind: 'cell_lost', collateral: true } },
    })
  expect(statusOf('own')?.epoch).toBe(1)
  await end()
})

test('an agent with an open turn goes on alone until that turn ends, and then goes back', async () => {
  await live({ a: member, b: busy }, [crash('a').at(30_000)])
  post('b', 'long')
  await w.run(40_000)
  expect(statusOf('b')).toMatchObject({ state: 'running', epoch: 2, mailbox: { open: 1 } })
  expect(pidOf('b')).not.toBe(pidOf('a'))
  await w.run(60_000)
  expect(statusOf('b')).toMatchObject({ counters: { completed: 1 }, epoch: 3 })
  expect(pidOf('b')).toBe(pidOf('a'))
  await end()
})

test('guilt is certain in quarantine: the second crash of an event is charged to it, and to nobody else', async () => {
  const faults = [forge('b').at(30_000), leak('b').at(40_000), leak('b').at(55_000)]
  await live({ a: member, b: { ...busy, maxRestarts: 5 } }, faults)
  post('b', 'poison')
  await w.run(90_000)
  expect(statusOf('b')).toMatchObject({ state: 'running', counters: { deadLettered: 1 } })
  expect(statusOf('a')).toMatchObject({ state: 'running', epoch: 2 })
  await end()
})

test('who loses a second cell within the window is alone for as long, also without a turn', async () => {
  await live({ a: member, b: member }, [crash('a').at(20_000), crash('b').at(40_000)])
  await w.run(30_000)
  expect(pidOf('a')).toBe(pidOf('b'))
  await w.run(15_000)
  expect(pidOf('a')).not.toBe(pidOf('b'))
  expect([statusOf('a')?.epoch, statusOf('b')?.epoch]).toEqual([3, 3])
  await end()
})
