import { type CallKind, type ProcessName, VigilError } from '@vigil/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import type { Decider, ProposedCall, Ruling } from '../../packages/supervisor/src/gate/decide.ts'
import { type GateRing, openGateRing } from '../support/gate-ring.ts'

let ring: GateRing
afterEach(() => ring.close())

const get = { method: 'GET', url: 'https://api.test/orders', headers: {} }
const publish = { topic: 'orders', data: { n: 1 } }
const request = { to: 'worker', content: 'hello', timeout_ms: 1_000 }
const specs = [{ name: 'worker', network: { allow: ['api.test'] } }]

/** A ring whose calls are all ruled by `rule`; `asked` has what it was asked about. */
async function ruled(...rules: ((call: ProposedCall) => Ruling | undefined)[]) {
  const asked: ProposedCall[] = []
  const deciders: Decider[] = rules.map((rule) => (call) => {
    asked.push(call)
    return rule(call)
  })
  ring = await openGateRing({ specs, routes: { '* *': 200 }, deciders })
  return asked
}

const error = new VigilError('NETWORK_DENIED', 'not today')

describe('a call that is refused', () => {
  test.each<[CallKind, unknown]>([
    ['fetch', get],
    ['publish', publish],
    ['request', request],
  ])('%s is not made, and the refusal is its outcome on record', async (kind, input) => {
    await ruled(() => ({ verdict: 'refuse', error }))
    const before = (await ring.records()).length
    const reply = await ring.call(kind, input)
    expect(reply.outcome).toMatchObject({ ok: false, error: { code: 'NETWORK_DENIED', message: 'not today' } })
    expect(ring.http.sent).toEqual([])
    expect((await ring.records()).slice(before).map(({ type }) => type)).toEqual(['effect.completed'])
    await ring.crash()
    expect(await ring.call(kind, input)).toEqual(reply)
  })

  test('ends the asking', async () => {
    const asked = await ruled(
      () => ({ verdict: 'refuse', error }),
      () => undefined,
    )
    await ring.call('fetch', get)
    expect(asked).toHaveLength(1)
  })
})

describe('a call that may be made', () => {
  test('is made as the last of them left it, and its intent says what it reserves', async () => {
    const asked = await ruled(
      ({ input }) => ({ verdict: 'go', input: { ...(input as typeof get), url: 'https://api.test/edited' } }),
      () => undefined,
      () => ({ verdict: 'go', reserve: { usd: 10_000, tool_calls: 1 } }),
      () => undefined,
    )
    await ring.call('fetch', get)
    expect(ring.http.sent).toMatchObject([{ url: 'https://api.test/edited' }])
    expect(asked.at(-1)).toMatchObject({ reserve: { usd: 10_000, tool_calls: 1 } })
    expect(await ring.records('effect.intended')).toMatchObject([
      { data: { input: { url: 'https://api.test/edited' }, reserved: { usd: 10_000, tool_calls: 1 } } },
    ])
    expect(await ring.records('effect.completed')).toMatchObject([{ data: { spent: { usd: 10_000, tool_calls: 1 } } }])
  })

  test('is decided in the tick in which its intent enters the log', async () => {
    let left = 1
    await ruled(({ site }) => {
      const open = [...site.turn.effects.values()].filter(({ reserved }) => reserved !== undefined).length
      return open < left ? { verdict: 'go', reserve: { usd: 1 } } : { verdict: 'refuse', error }
    })
    const replies = await Promise.all([ring.call('fetch', get, 'fetch#0'), ring.call('fetch', get, 'fetch#1')])
    expect(replies.map(({ outcome }) => outcome.ok)).toEqual([true, false])
    left = 3
    expect((await ring.call('fetch', get, 'fetch#2')).outcome.ok).toBe(true)
  })

  test('is not decided again when a crash left it without an outcome', async () => {
    const hang = Promise.withResolvers<number>().promise
    const rulings: Ruling[] = [{ verdict: 'go', reserve: { usd: 7 } }]
    ring = await openGateRing({
      specs,
      routes: { '* *': () => (ring.http.sent.length === 1 ? hang : 200) },
      deciders: [() => rulings.shift() ?? { verdict: 'refuse', error }],
    })
    void ring.call('fetch', get)
    await ring.clock.advance(0)
    await ring.crash()
    expect((await ring.call('fetch', get)).outcome.ok).toBe(true)
    expect(await ring.records('effect.completed')).toMatchObject([{ data: { spent: { usd: 7 } } }])
    expect((await ring.call('fetch', get, 'fetch#1')).outcome.ok).toBe(false)
  })
})

describe('a call that waits', () => {
  test.each<[CallKind, unknown]>([
    ['fetch', get],
    ['publish', publish],
  ])('%s is decided anew when that is over', async (kind, input) => {
    const over = Promise.withResolvers<void>()
    let isOver = false
    await ruled(() => (isOver ? { verdict: 'go' } : { verdict: 'wait', over: () => over.promise }))
    const before = (await ring.records()).length
    const reply = ring.call(kind, input)
    await ring.clock.advance(60_000)
    expect(await ring.records()).toHaveLength(before)
    isOver = true
    over.resolve()
    expect((await reply).outcome.ok).toBe(true)
  })

  test('is no work of ring 0, and begins nothing for whoever does not ask for it again', async () => {
    await ruled(() => ({ verdict: 'wait', over: () => Promise.resolve() }))
    const before = (await ring.records()).length
    const reply = await ring.gate.call({ process: 'worker', turn: 't1', key: 'fetch#0', kind: 'fetch', input: get })
    if (!('over' in reply)) throw new Error('it did not wait')
    expect([ring.gate.busy('worker'), ring.gate.inFlight('t1', 'fetch#0')]).toEqual([0, false])
    await reply.over
    await ring.clock.advance(60_000)
    expect([ring.http.sent, await ring.records()]).toEqual([[], expect.objectContaining({ length: before })])
  })

  test('is not made when its turn has ended meanwhile', async () => {
    const over = Promise.withResolvers<void>()
    await ruled(() => ({ verdict: 'wait', over: () => over.promise }))
    const reply = ring.call('fetch', get)
    await ring.clock.advance(0)
    const data = { event_id: 'e1', reason: 'no', by: 'operator' }
    ring.commit({ process: 'worker' as ProcessName, epoch: 1, type: 'turn.cancelled', turn: 't1', data })
    over.resolve()
    expect((await reply).outcome).toMatchObject({ ok: false, error: { code: 'ABORTED' } })
    expect(ring.http.sent).toEqual([])
  })
})
