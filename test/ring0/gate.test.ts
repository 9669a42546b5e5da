import type { ProcessName } from '@vigil/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { recordedEffects } from '../../packages/supervisor/src/delivery/attempt.ts'
import type { GateReply } from '../../packages/supervisor/src/gate/flight.ts'
import { type GateRing, type GateRingOptions, openGateRing } from '../support/gate-ring.ts'

let ring: GateRing
const open = async (options?: GateRingOptions): Promise<GateRing> => {
  ring = await openGateRing(options)
  return ring
}
afterEach(() => ring.close())

const url = 'https://api.test/orders'
const get = { method: 'GET', url, headers: {} }
const post = { method: 'POST', url, headers: {} }
const online = { name: 'worker', network: { allow: ['api.test'] } }

/** What of the named replies has come by now, in order. */
function watch(replies: Readonly<Record<string, Promise<GateReply>>>): string[] {
  const seen: string[] = []
  for (const [name, reply] of Object.entries(replies)) void reply.then(() => seen.push(name))
  return seen
}

const turn = () => ring.world.get('worker')?.turns.get('t1') as NonNullable<ReturnType<typeof find>>
const find = () => ring.world.get('worker')?.turns.get('t1')

describe('the classes of effects', () => {
  test('a GET: its intent is on the disk before the request goes out, its reply waits for nothing more', async () => {
    await open({ specs: [online], routes: { 'GET *': { body: 'yes' } } })
    const first = ring.fileSystem.holdSyncs()
    const reply = ring.call('fetch', get)
    await first.arrived
    await ring.clock.advance(100)
    expect(ring.http.sent).toEqual([])
    first.release()
    const second = ring.fileSystem.holdSyncs()
    expect((await reply).outcome).toMatchObject({ ok: true, value: { status: 200 } })
    second.release()
  })

  test('a POST: the reply waits until the outcome is on the disk', async () => {
    const routes: Record<string, () => number> = {}
    await open({ specs: [online], routes: { 'POST *': () => routes['hold']?.() ?? 0 } })
    let sync: ReturnType<GateRing['fileSystem']['holdSyncs']> | undefined
    routes['hold'] = () => {
      sync = ring.fileSystem.holdSyncs()
      return 201
    }
    const seen = watch({ post: ring.call('fetch', post) })
    await ring.clock.advance(100)
    expect(ring.http.sent).toHaveLength(1)
    expect(seen).toEqual([])
    sync?.release()
    await ring.clock.advance(0)
    expect(seen).toEqual(['post'])
  })

  test('a step: one record, the reply at once', async () => {
    await open()
    const sync = ring.fileSystem.holdSyncs()
    expect((await ring.call('step', { outcome: 7 }, 'step:a#0')).outcome).toEqual({ ok: true, value: 7 })
    sync.release()
    expect(await ring.records('effect.completed')).toHaveLength(1)
  })

  test('the history of a state key is read once and answered the same for the rest of the turn', async () => {
    await open()
    const reply = await ring.call('state.history', { key: 'k' })
    expect(reply.outcome).toEqual({ ok: true, value: [] })
    await ring.crash()
    expect(await ring.call('state.history', { key: 'k' })).toEqual(reply)
  })
})

describe('order', () => {
  test('a step that ends after a publish is told after it, though it need not wait for the disk', async () => {
    await open()
    const sync = ring.fileSystem.holdSyncs()
    const seen = watch({
      before: ring.call('step', { outcome: 0 }, 'step:before#0'),
      publish: ring.call('publish', { topic: 'news', data: 1 }),
      after: ring.call('step', { outcome: 1 }, 'step:after#0'),
      leave: ring.call('step', { intend: true, idempotent: true }, 'step:once#0'),
      history: ring.call('state.history', { key: 'k' }),
    })
    await ring.clock.advance(100)
    expect(seen).toEqual(['before'])
    sync.release()
    await ring.clock.advance(0)
    expect(seen).toEqual(['before', 'publish', 'after', 'leave', 'history'])
    const order = recordedEffects(turn()).map(({ key }) => key)
    expect(order).toEqual(['step:before#0', 'publish#0', 'step:after#0', 'step:once#0/begun', 'state.history#0'])
  })

  test('what another turn does is not waited for', async () => {
    await open()
    ring.commit({
      process: 'worker' as ProcessName,
      epoch: 1,
      type: 'turn.started',
      turn: 't2',
      data: { event_id: 'e1', attempt: 1, bundle: 'b1', started_at: '2026-01-01T00:00:00.000Z' },
    })
    const sync = ring.fileSystem.holdSyncs()
    const step = { process: 'worker', turn: 't2', key: 'step:a#0', kind: 'step', input: { outcome: 1 } } as const
    const seen = watch({
      publish: ring.call('publish', { topic: 'news', data: 1 }),
      other: ring.gate.call(step) as Promise<GateReply>,
    })
    await ring.clock.advance(100)
    expect(seen).toEqual(['other'])
    sync.release()
  })
})

describe('an effect belongs to the turn', () => {
  test('asked for again it is joined while it is under way, then answered from the record', async () => {
    const answer = Promise.withResolvers<number>()
    await open({ specs: [online], routes: { 'GET *': () => answer.promise } })
    const first = ring.call('fetch', get, 'fetch:a#0')
    const joined = ring.call('fetch', get, 'fetch:a#0')
    await ring.clock.advance(0)
    expect([ring.gate.inFlight('t1', 'fetch:a#0'), ring.gate.busy('worker')]).toEqual([true, 1])
    answer.resolve(204)
    const reply = await first
    expect([await joined, await ring.call('fetch', get, 'fetch:a#0')]).toEqual([reply, reply])
    expect([ring.gate.inFlight('t1', 'fetch:a#0'), ring.gate.busy('worker')]).toEqual([false, 0])
    expect(ring.http.sent).toHaveLength(1)
  })

  test('an outcome that is on record and not on the disk is no answer yet, to anybody', async () => {
    await open()
    const sync = ring.fileSystem.holdSyncs()
    const seen = watch({
      first: ring.call('publish', { topic: 'news', data: 1 }, 'publish:a#0'),
      again: ring.call('publish', { topic: 'news', data: 1 }, 'publish:a#0'),
    })
    await ring.clock.advance(100)
    expect(seen).toEqual([])
    sync.release()
    await ring.clock.advance(0)
    expect(seen).toEqual(['first', 'again'])
    expect(await ring.records('bus.published')).toHaveLength(1)
  })

  test('a key that was recorded as something else is TURN_DIVERGED', async () => {
    await open()
    await ring.call('step', { outcome: 7 }, 'k')
    expect((await ring.call('publish', { topic: 'news', data: 1 }, 'k')).outcome).toMatchObject({
      ok: false,
      error: { code: 'TURN_DIVERGED' },
    })
  })

  test('a turn that is not open gets nothing', async () => {
    await open()
    const request = { process: 'worker', turn: 't9', key: 'k', kind: 'step', input: { outcome: 1 } } as const
    expect(await ring.gate.call(request)).toMatchObject({ outcome: { ok: false, error: { code: 'ABORTED' } } })
  })

  test('an input of the wrong shape is refused and leaves no record', async () => {
    await open()
    const before = (await ring.records()).length
    expect((await ring.call('sleep', { ms: -1 })).outcome).toMatchObject({
      ok: false,
      error: { code: 'INVALID_ARGUMENT' },
    })
    expect(await ring.records()).toHaveLength(before)
  })
})

describe('ring 0 dies between intent and outcome', () => {
  const dieDuring = async (input: typeof get & { idempotent?: boolean }): Promise<GateReply> => {
    let lives = 0
    const never = Promise.withResolvers<number>().promise
    await open({ specs: [online], routes: { '* *': () => (lives++ === 0 ? never : 200) } })
    void ring.call('fetch', input)
    await ring.clock.advance(0)
    expect(ring.http.sent).toHaveLength(1)
    await ring.crash()
    const reply = ring.call('fetch', input)
    await ring.clock.advance(0)
    return reply
  }

  test('a POST is in doubt: it is not sent again', async () => {
    expect((await dieDuring(post)).outcome).toMatchObject({ ok: false, error: { code: 'EFFECT_IN_DOUBT' } })
    expect(ring.http.sent).toHaveLength(1)
    // From now on this is the outcome, at this place, for every later life.
    expect(recordedEffects(turn())).toMatchObject([
      { key: 'fetch#0', outcome: { ok: false, error: { code: 'EFFECT_IN_DOUBT' } } },
    ])
  })

  test('a POST that may be repeated goes again under the same idempotency key', async () => {
    expect((await dieDuring({ ...post, idempotent: true })).outcome.ok).toBe(true)
    const keys = ring.http.sent.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(keys[1]).toBe(keys[0])
  })

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('%s is made again', async (method) => {
    expect((await dieDuring({ ...get, method })).outcome.ok).toBe(true)
    expect(ring.http.sent).toHaveLength(2)
    expect(recordedEffects(turn())).toMatchObject([{ key: 'fetch#0', outcome: { ok: true } }])
  })

  test('a sleep waits only for what is left of it', async () => {
    await open()
    void ring.call('sleep', { ms: 60_000 })
    await ring.clock.advance(40_000)
    await ring.crash()
    const seen = watch({ sleep: ring.call('sleep', { ms: 60_000 }) })
    await ring.clock.advance(19_999)
    expect(seen).toEqual([])
    await ring.clock.advance(1)
    expect(seen).toEqual(['sleep'])
  })

  test('a step that may run once is in doubt; one that may repeat has its old leave, where it was given', async () => {
    await open()
    const input = { intend: true, idempotent: true }
    expect((await ring.call('step', { intend: true }, 'step:pay#0')).outcome.ok).toBe(true)
    expect((await ring.call('step', input, 'step:look#0')).outcome.ok).toBe(true)
    await ring.call('step', { outcome: 1 }, 'step:look#0/step:inner#0')
    await ring.crash()
    expect((await ring.call('step', { intend: true }, 'step:pay#0')).outcome).toMatchObject({
      error: { code: 'EFFECT_IN_DOUBT' },
    })
    const told = recordedEffects(turn()).map(({ key, outcome }) => [key, outcome])
    // The inner step was lazy and the power went: only what was on the disk is told.
    expect(told).toEqual([
      ['step:look#0/begun', 'begun'],
      ['step:pay#0', { ok: false, error: expect.objectContaining({ code: 'EFFECT_IN_DOUBT' }) }],
    ])
    expect((await ring.call('step', { outcome: 2 }, 'step:look#0')).outcome).toEqual({ ok: true, value: 2 })
    expect(recordedEffects(turn()).map(({ key }) => key)).toEqual(['step:pay#0', 'step:look#0'])
  })
})

describe('what is refused', () => {
  test('a host that is not allowed: recorded, so that the same turn is refused after a wider manifest, too', async () => {
    await open()
    const { outcome } = await ring.call('fetch', get)
    expect(outcome).toMatchObject({ ok: false, error: { code: 'NETWORK_DENIED' } })
    expect(JSON.stringify(outcome)).toContain('allow: [\\"api.test\\"]')
    expect(await ring.records('effect.intended')).toEqual([])
    await ring.crash()
    expect((await ring.call('fetch', get)).outcome).toEqual(outcome)
    expect(ring.http.sent).toEqual([])
  })

  test.each([
    ['another port', 'https://api.test:8443/'],
    ['a name that only ends like it', 'https://evil-api.test/'],
    ['a user part that looks like it', 'https://api.test@evil.test/'],
    ['no URL', 'orders'],
    ['a file', 'file:///etc/passwd'],
  ])('%s', async (_what, other) => {
    await open({ specs: [online], routes: { '* *': 200 } })
    expect((await ring.call('fetch', { ...get, url: other })).outcome.ok).toBe(false)
    expect(ring.http.sent).toEqual([])
  })

  test('after a failed sync nothing goes out, and the guest hears why', async () => {
    await open({ specs: [online], routes: { '* *': 200 } })
    ring.fileSystem.failNext({ operation: 'sync', code: 'EIO' })
    const { outcome } = await ring.call('fetch', get)
    expect(outcome).toMatchObject({ ok: false, error: { code: 'JOURNAL_FAILED' } })
    expect((await ring.call('step', { outcome: 1 }, 'step:a#0')).outcome.ok).toBe(false)
    expect(ring.http.sent).toEqual([])
    expect(ring.gate.busy('worker')).toBe(0)
  })
})

describe('messages', () => {
  test('a publish is one record that names who subscribed at that instant', async () => {
    const trigger = { type: 'event' as const, eventType: 'news.*' }
    await open({ specs: [{ name: 'reader', triggers: [trigger] }, { name: 'deaf' }] })
    expect((await ring.call('publish', { topic: 'news.today', data: { n: 1 } })).outcome.ok).toBe(true)
    await ring.crash()
    const box = (name: string) => [...(ring.world.get(name)?.mailbox.values() ?? [])].map(({ payload }) => payload)
    expect(box('deaf')).toEqual([])
    expect(box('reader')).toMatchObject([{ data: { n: 1 } }])
    expect((await ring.call('publish', { topic: 'news.today', data: { n: 1 } })).outcome.ok).toBe(true)
    expect(box('reader')).toHaveLength(1)
  })

  test('a full mailbox refuses the publish for everyone, so that no subscriber has what another misses', async () => {
    const triggers = [{ type: 'event' as const, eventType: 'news' }]
    await open({
      specs: [
        { name: 'full', triggers, mailbox: { max: 1 } },
        { name: 'roomy', triggers },
      ],
    })
    await ring.call('publish', { topic: 'news', data: 1 }, 'publish:1')
    expect((await ring.call('publish', { topic: 'news', data: 2 }, 'publish:2')).outcome).toMatchObject({
      error: { code: 'MAILBOX_FULL' },
    })
    expect([ring.world.get('full')?.mailbox.size, ring.world.get('roomy')?.mailbox.size]).toEqual([1, 1])
  })

  test('a message to nobody says so', async () => {
    await open()
    expect((await ring.call('send', { to: 'nobody', content: 1 })).outcome).toMatchObject({
      error: { code: 'PROCESS_NOT_FOUND' },
    })
  })
})

describe('files', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const worker = { name: 'worker', files: { in: '/in', out: { path: '/out', mode: 'rw' as const } } }

  test('what is written is read, and listed', async () => {
    await open({ specs: [worker] })
    const body = base64('hello')
    expect((await ring.call('file.write', { mount: 'out', path: 'a.txt', body }, 'w')).outcome.ok).toBe(true)
    expect((await ring.call('file.read', { mount: 'out', path: 'a.txt' }, 'r')).outcome).toMatchObject({
      value: { body },
    })
    expect((await ring.call('file.list', { mount: 'out', path: '' }, 'l')).outcome).toMatchObject({
      value: [{ name: 'a.txt', size: 5 }],
    })
  })

  test.each([
    [
      'a path that is not declared',
      { mount: 'etc', path: 'passwd' },
      'add to the manifest: files: { "etc": { path: PATH, mode: rw } }',
    ],
    ['a name of every object', { mount: '__proto__', path: 'x' }, 'add to the manifest'],
    [
      'what may only be read',
      { mount: 'in', path: 'x' },
      'change in the manifest: files: { "in": { path: PATH, mode: rw } }',
    ],
  ])('%s is FILE_DENIED, and the line to add is said', async (_what, place, line) => {
    await open({ specs: [worker] })
    expect((await ring.call('file.write', { ...place, body: '' })).outcome).toMatchObject({
      error: { code: 'FILE_DENIED', message: expect.stringContaining(line) },
    })
  })

  test.each(['../../x', 'a/../../x', '..', 'a\0b', '.vigil-draft-1'])(
    'the path %j does not stay below its folder',
    async (path) => {
      await open({ specs: [worker] })
      expect((await ring.call('file.write', { mount: 'out', path, body: '' })).outcome).toMatchObject({
        error: { code: 'FILE_DENIED', message: expect.stringContaining('expected a path below "out"') },
      })
      expect(await ring.fileSystem.stat('/out')).toBeUndefined()
    },
  )
})

test('a thought is recorded whole, and its intent holds the hash of what was asked', async () => {
  await open()
  const messages = [{ role: 'user', text: 'hello' }]
  const input = { model: 'sim:echo', messages, max_output_tokens: 100, purpose: 'turn' }
  const first = await ring.call('model.generate', input)
  expect(first.outcome).toMatchObject({ ok: true, value: { text: 'hello', simulated: true, usd: 0 } })
  const [intent] = await ring.records('effect.intended')
  expect(intent?.data).toMatchObject({ input: { model: 'sim:echo', messages: 1, purpose: 'turn' }, repeatable: true })
  expect(JSON.stringify(intent?.data)).not.toContain('hello')
  await ring.crash()
  expect(await ring.call('model.generate', input)).toEqual(first)
})
