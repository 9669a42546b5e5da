import type { Channel } from '@vigil/agent'
import { crash, type Fault, judge, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

type Item = number | 'end'

/** Reads until it is told to end. */
const reader: WorldAgent = {
  maxTurn: '1h',
  async run(_event, ctx) {
    const before = await ctx.step('before', () => ctx.turn.attempt)
    const numbers: Channel<Item> = ctx.channel('numbers')
    const heard: Item[] = []
    for await (const item of numbers) {
      if (item === 'end') break
      heard.push(item)
    }
    ctx.state.append('heard', { heard, lost: numbers.lost, before, attempt: ctx.turn.attempt })
  },
}

const unsent: number[] = []

/** Sends as many numbers as the event says, a hundred at a time, then `end`. */
const sender: WorldAgent = {
  maxTurn: '1h',
  async run(event, ctx) {
    const numbers = ctx.channel<Item>('numbers')
    for (let n = 0; n < (event.payload as { count: number }).count; n += 1) {
      if (n % 100 === 99) await ctx.sleep(50)
      if (!numbers.send(n)) unsent.push(n)
    }
    while (!numbers.send('end')) await ctx.sleep(50)
  },
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[] = []): Promise<void> {
  unsent.length = 0
  w = world({ seed: 1, agents, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
const post = (name: string, payload: object = {}) => void w.client.postEvent(name, payload)
const stateOf = async (name: string) => (await w.supervisor?.get(name).context())?.state
const statusOf = (name: string) => w.supervisor?.get(name).status()
const failures = () =>
  w.told.flat().flatMap((record) => (record.type === 'turn.attempt_failed' ? [record.data.error.code] : []))
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

test('everyone who has the name open hears all of it in order, except who sends it', async () => {
  const both: WorldAgent = {
    async run(_event, ctx) {
      const numbers = ctx.channel<Item>('numbers')
      for (const n of upTo(3)) numbers.send(n)
      numbers.send('end')
      ctx.state.set('echo', await Promise.race([numbers.receive(), ctx.sleep('5s').then(() => 'silence')]))
    },
  }
  await live({
    a: reader,
    b: reader,
    elsewhere: { ...reader, run: (_event, ctx) => ctx.channel('other').receive() },
    both,
  })
  for (const name of ['a', 'b', 'elsewhere']) post(name)
  await w.run(2_000)
  post('both')
  await w.run(10_000)
  for (const name of ['a', 'b'])
    expect(await stateOf(name)).toEqual({ heard: [{ heard: [0, 1, 2], lost: 0, before: 1, attempt: 1 }] })
  expect(await stateOf('both')).toEqual({ echo: 'silence' })
  expect(statusOf('elsewhere')?.counters.completed).toBe(0)
  await end()
})

test('what is sent before somebody opens the name, or after the turn has ended, reaches nobody', async () => {
  await live({ reader, sender })
  post('sender', { count: 10 })
  await w.run(2_000)
  post('reader')
  await w.run(2_000)
  post('sender', { count: 2 })
  await w.run(2_000)
  post('sender', { count: 3 })
  await w.run(2_000)
  expect(await stateOf('reader')).toMatchObject({ heard: [{ heard: [0, 1] }] })
  await end()
})

test('a slow reader keeps the newest, and is told how many it lost', async () => {
  const slow: WorldAgent = {
    maxTurn: '1h',
    async run(_event, ctx) {
      const numbers = ctx.channel<Item>('numbers')
      await ctx.sleep('60s')
      const heard: Item[] = []
      for await (const item of numbers) {
        if (item === 'end') break
        heard.push(item)
      }
      return { heard, lost: numbers.lost }
    },
  }
  await live({ slow, sender })
  const turn = w.supervisor?.get('slow').run({})
  await w.run(2_000)
  post('sender', { count: 5_000 })
  await w.run(120_000)
  const result = (await turn) as unknown as { heard: number[]; lost: number }
  expect(result.heard.length + result.lost).toBe(5_000)
  // 1,024 were on their way to it, 1,024 waited; the last of those is the end.
  expect(result.heard).toEqual([...upTo(1_024), ...upTo(1_023).map((n) => 5_000 - 1_023 + n)])
  await end()
})

test.each<[string, Fault]>([
  ['the reader', crash('reader').at(12_000)],
  ['ring 0', ring0.kill.at(12_000)],
])('a crash of %s ends the attempt, and the next one opens the channel anew', async (_who, fault) => {
  await live({ reader, sender }, [fault])
  post('reader')
  await w.run(30_000)
  expect(statusOf('reader')).toMatchObject({ mailbox: { open: 1 }, counters: { completed: 0 } })
  post('sender', { count: 2 })
  await w.run(5_000)
  expect(failures()).toEqual(['CHANNEL_INTERRUPTED'])
  expect(await stateOf('reader')).toEqual({ heard: [{ heard: [0, 1], lost: 0, before: 1, attempt: 2 }] })
  await end()
})

test('a sender that crashes begins anew, and its readers hear both attempts', async () => {
  await live({ reader, sender }, [crash('sender').at(12_000)])
  post('reader')
  await w.run(10_000)
  post('sender', { count: 5_000 })
  await w.run(60_000)
  expect(failures()).toEqual(['CHANNEL_INTERRUPTED'])
  const [only] = ((await stateOf('reader')) as { heard: { heard: number[]; lost: number }[] }).heard
  const heard = only?.heard ?? []
  const again = heard.lastIndexOf(0)
  expect(heard.slice(0, again)).toEqual(upTo(again))
  // Its sleeps are answered from the record now, so it sends faster than ring 0 takes, and is told what was not sent.
  expect([again > 0, again < 5_000, unsent.length > 0]).toEqual([true, true, true])
  expect(heard.length + unsent.length).toBe(again + 5_000)
  expect(heard.slice(again)).toEqual(heard.slice(again).toSorted((a, b) => a - b))
  await end()
})

test('an attempt that is cut too often is a dead letter, which says why', async () => {
  const faults = [10_000, 30_000].map((at) => ring0.kill.at(at))
  await live({ reader: { ...reader, delivery: { maxRetries: 1 } } }, faults)
  post('reader')
  await w.run(60_000)
  expect(await w.supervisor?.get('reader').deadLetters()).toMatchObject([
    { reason: 'retries_exhausted', error: { code: 'CHANNEL_INTERRUPTED' } },
  ])
  await end()
})

test('whoever has opened a channel is not evicted, and its clock does not stand while it waits', async () => {
  const waits = (opens: boolean): WorldAgent => ({
    evictable: true,
    maxTurn: '60s',
    async run(_event, ctx) {
      if (opens) ctx.channel('numbers').close()
      await ctx.sleep('10m')
    },
  })
  await live({ listening: waits(true), other: waits(false) })
  post('listening')
  post('other')
  await w.run(30_000)
  expect(statusOf('listening')).toMatchObject({ residency: 'resident', epoch: 1 })
  expect(statusOf('other')).toMatchObject({ residency: 'hibernated' })
  await w.run(40_000)
  expect(failures()).toEqual(['TURN_TIMEOUT'])
  for (const name of ['listening', 'other']) void w.supervisor?.get(name).remove()
  await w.run(30_000)
  await end()
})

test('a suspended process hears and says nothing until it is resumed', async () => {
  await live({ reader, sender })
  post('reader')
  await w.run(2_000)
  void w.supervisor?.get('reader').suspend()
  await w.run(1_000)
  post('sender', { count: 10 })
  await w.run(5_000)
  expect(statusOf('reader')).toMatchObject({ state: 'suspended', counters: { completed: 0 } })
  void w.supervisor?.get('reader').resume()
  await w.run(1_000)
  expect(await stateOf('reader')).toMatchObject({ heard: [{ heard: upTo(10), lost: 0 }] })
  await end()
})

test('a turn that has had a channel cannot be looked at again', async () => {
  await live({ reader, sender })
  post('reader')
  await w.run(2_000)
  post('sender', { count: 3 })
  await w.run(2_000)
  const [done] = w.told.flat().filter(({ type, process }) => type === 'turn.completed' && process === 'reader')
  const refused = w.supervisor
    ?.get('reader')
    .replay(done?.turn ?? '')
    .catch(({ code }: { code: string }) => code)
  await w.run(5_000)
  expect(await refused).toBe('CHANNEL_INTERRUPTED')
  await end()
})

test('nothing of it is on record but that a turn has opened it', async () => {
  await live({ reader, sender })
  post('reader')
  await w.run(2_000)
  post('sender', { count: 3 })
  await w.run(2_000)
  const effects = w.told.flat().flatMap((record) => (record.type === 'effect.completed' ? [record.data] : []))
  expect(effects.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['step', { ok: true, value: 1 }],
    ['channel', { ok: true, value: null }],
    ['channel', { ok: true, value: null }],
  ])
  await end()
})
