import type { AgentEvent, SendOptions } from '@vigil/agent'
import { type Fault, judge, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

const contentOf = (event: AgentEvent): unknown => (event.payload as { content: unknown }).content

/** Sends what its event says, one after the other. */
const sender: WorldAgent = {
  async run(event, ctx) {
    for (const [content, options] of event.payload as [string, SendOptions][]) await ctx.send('desk', content, options)
  },
}
/** Takes a minute for each. */
const desk: WorldAgent = {
  triggers: [{ type: 'message' }],
  async run(event, ctx) {
    await ctx.sleep('1m')
    ctx.state.append('handled', contentOf(event))
  },
}

async function live(faults: readonly Fault[] = []): Promise<void> {
  w = world({ seed: 1, agents: { sender, desk }, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
const post = (...letters: [string, SendOptions][]) =>
  void w.client.postEvent('sender', letters, { idempotencyKey: 'only' })
const handled = async () => (await w.supervisor?.get('desk').context())?.state.handled

async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

test('priority decides among those that wait', async () => {
  await live()
  post(['first', {}], ['low', { priority: 'low' }], ['second', {}], ['high', { priority: 'high' }], ['third', {}])
  await w.run(400_000)
  expect(await handled()).toEqual(['first', 'high', 'second', 'third', 'low'])
  await end()
})

test('a message whose time is over before its turn begins ends as expired, and only that', async () => {
  await live()
  post(['first', { ttl: '30s' }], ['late', { ttl: '30s' }], ['patient', { ttl: '10m' }])
  await w.run(400_000)
  expect(await handled()).toEqual(['first', 'patient'])
  const status = w.supervisor?.get('desk').status()
  expect(status?.counters).toMatchObject({ accepted: 3, completed: 2, cancelled: 1 })
  const ends = (await w.supervisor?.get('desk').journal({ type: 'turn.cancelled' }))?.records
  expect(ends).toMatchObject([{ data: { reason: 'expired', by: 'policy' } }])
  await end()
})

test.each<[string, Fault]>([
  ['ring 0 is dead', ring0.kill.at(20_000)],
  ['the clock is set back', { does: { kind: 'clock_step', ms: -3_600_000 }, when: { at: 20_000 } }],
])('its time passes also while %s', async (_, fault) => {
  await live([fault])
  post(['first', {}], ['late', { ttl: '40s' }], ['patient', { ttl: '30m' }])
  await w.run(400_000)
  expect(await handled()).toEqual(['first', 'patient'])
  await end()
})
