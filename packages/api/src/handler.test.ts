import { apiBase, limits, type Route, type RouteId, routes } from '@vigil/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FakeRuntime, fakeRuntime, status } from './fake-runtime.fixture.ts'
import { createHandler, type Handler } from './handler.ts'

let runtime: FakeRuntime
let handler: Handler
const errors: unknown[] = []
beforeEach(() => {
  runtime = fakeRuntime()
  errors.length = 0
  const onError = (error: unknown) => errors.push(error)
  handler = createHandler(runtime, { token: 'right', hosts: ['localhost'], onError })
})

interface Sent {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly token?: string | undefined
}

const send = async (path: string, { token = 'right', headers = {}, ...init }: Sent = {}) => {
  const all = { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers }
  const reply = await handler(new Request(`http://localhost:9100${apiBase}${path}`, { ...init, headers: all }))
  return {
    status: reply.status,
    headers: reply.headers,
    body: (await reply.json()) as Record<string, unknown> & {
      error: { code: string; message: string; details?: unknown }
    },
  }
}
const sendJson = (path: string, body: unknown, method = 'POST', headers: Record<string, string> = {}) =>
  send(path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })

const table = Object.entries(routes) as [RouteId, Route][]
const pathOf = (route: Route, name: string) =>
  route.path
    .replace('{name}', name)
    .replace('{topic}', 'orders.new')
    .replace(/\{\w+\}/g, 'some')
const takesBody = new Set<RouteId>([
  'postEvent',
  'patchContext',
  'publish',
  'redeliverDeadLetters',
  'resolveDoubt',
  'rewindProcess',
  'forkProcess',
  'addTrigger',
  'fireTrigger',
  'decideRequest',
  'decideApproval',
  'patchBudget',
  'grantBudget',
  'patchSecret',
])

describe('every route', () => {
  it.each(table)('%s wants the token unless it is public', async (_, route) => {
    const path = pathOf(route, 'watcher')
    for (const token of ['', 'wrong', 'righ', 'right2']) {
      const { status: code, body } = await send(path, { method: route.method, token })
      expect([token, code, body.error?.code]).toEqual(
        route.public ? [token, 200, undefined] : [token, 401, 'UNAUTHORIZED'],
      )
    }
    expect(runtime.calls).toEqual([])
  })

  it.each(table.filter(([, route]) => route.path.includes('{name}')))(
    '%s says which process is unknown',
    async (_, route) => {
      const { status: code, body } = await send(pathOf(route, 'ghost'), { method: route.method })
      expect([code, body.error.code, body.error.message]).toEqual([
        404,
        'PROCESS_NOT_FOUND',
        'no process is called "ghost"',
      ])
    },
  )

  it.each(table.filter(([id]) => takesBody.has(id)))('%s refuses a bad body', async (_, route) => {
    const path = pathOf(route, 'watcher')
    const typed = { 'content-type': 'application/json' }
    const replies = [
      await send(path, { method: route.method, body: '{x', headers: typed }),
      await send(path, { method: route.method, body: 'x', headers: { 'content-type': 'text/plain' } }),
      await send(path, { method: route.method, body: JSON.stringify('x'.repeat(limits.payloadBytes)), headers: typed }),
      await send(path, { method: route.method, body: '{}', headers: { ...typed, 'content-length': '2000000' } }),
      await send(path, { method: route.method, body: `${'['.repeat(9_000)}${']'.repeat(9_000)}`, headers: typed }),
    ]
    expect(replies.map(({ status: code, body }) => [code, body.error.code])).toEqual([
      [400, 'INVALID_JSON'],
      [415, 'UNSUPPORTED_MEDIA_TYPE'],
      [413, 'TOO_LARGE'],
      [413, 'TOO_LARGE'],
      [413, 'TOO_LARGE'],
    ])
    expect(runtime.calls).toEqual([])
  })

  it.each(table)('%s refuses a foreign host and a foreign page', async (_, route) => {
    const path = pathOf(route, 'watcher')
    const host = await send(path, { method: route.method, headers: { host: 'evil.example:9100' } })
    const origin = await send(path, { method: route.method, headers: { origin: 'http://localhost:3000' } })
    expect([host.status, host.body.error.code, origin.status, origin.body.error.code]).toEqual([
      421,
      'MISDIRECTED',
      403,
      'FORBIDDEN',
    ])
  })
})

describe('reading', () => {
  it('maps a process to snake_case and leaves labels alone', async () => {
    const { body } = await send('/processes/watcher')
    expect(body).toMatchObject({
      labels: status.labels,
      last_exit: status.lastExit,
      counters: { dead_lettered: 1 },
      mailbox: { dead_letters: 1 },
      triggers: [{ next_fire: '2026-01-01T01:00:00.000Z' }],
    })
    expect(JSON.stringify(Object.keys(body))).not.toMatch(/[A-Z]/)
  })

  it('lists and selects by label', async () => {
    expect((await send('/processes')).body).toMatchObject({ total: 1, processes: [{ name: 'watcher' }] })
    expect((await send('/processes?label=team=ops')).body).toEqual({ total: 0, processes: [] })
    expect((await send('/processes?label=team')).body.error.code).toBe('INVALID_ARGUMENT')
  })

  it('shows the tree in the words of the wire', async () => {
    const watcher = { kind: 'agent', name: 'watcher', state: 'running', restart: 'permanent', restarts: 1, pid: 77 }
    const group = { kind: 'group', name: 'all', state: 'running', strategy: 'rest_for_one', intensity: 3 }
    expect((await send('/tree')).body).toEqual({
      tree: [{ ...group, period_ms: 60_000, auto_shutdown: 'never', children: [watcher] }],
    })
  })

  it('tells readiness and what recovery found', async () => {
    expect((await send('/runtime/status')).body).toMatchObject({
      ready: true,
      disk: 'ok',
      data: '/data',
      processes: { total: 1, by_state: { running: 1 } },
      recovery: { orphans_ended: 1, processes: [{ checkpoint_at: 'then', open_turns: 1 }] },
    })
    expect((await send('/ready')).status).toBe(200)
    runtime.ready = false
    expect(await send('/ready')).toMatchObject({ status: 503, body: { ready: false, disk: 'ok' } })
    runtime.space = 'reserve'
    expect(await send('/ready')).toMatchObject({ status: 503, body: { ready: false, disk: 'full' } })
  })

  it('tells the history of a state key', async () => {
    expect((await send('/processes/watcher/state/a%2Fb/history')).body).toEqual({
      key: 'a/b',
      history: [{ at: 'then', value: 1, source: 't-e1', overwrote: 'operator' }],
    })
    expect(runtime.calls).toEqual([['stateHistory', 'a/b']])
  })

  it('pages the journal, newest first', async () => {
    const page = await send('/processes/watcher/journal?limit=3&type=turn.completed&turn=t&before=10&after=2')
    expect(runtime.calls).toEqual([
      ['journal', { limit: 3, type: 'turn.completed', turn: 't', before: 10, after: 2, bodies: 'named' }],
    ])
    expect(page.body).toMatchObject({
      next: '7',
      entries: [{ n: 9, type: 'process.removed', data: { by: 'x' } }, { n: 8 }, { n: 7 }],
    })
    expect((await send('/processes/watcher/journal')).body).toMatchObject({ next: null })
    expect((await send('/processes/watcher/journal')).body).not.toHaveProperty('damaged')
    runtime.unreadable = ['0000000000000001.jsonl']
    expect((await send('/processes/watcher/journal')).body).toMatchObject({ damaged: ['0000000000000001.jsonl'] })
    for (const limit of ['0', '1001', 'x', '-1'])
      expect((await send(`/processes/watcher/journal?limit=${limit}`)).status).toBe(400)
  })
})

describe('acting', () => {
  it.each([
    ['start', 'start', 'running'],
    ['stop', 'stop', 'stopped'],
    ['restart', 'restart', 'running'],
    ['suspend', 'suspend', 'suspended'],
    ['pause', 'suspend', 'suspended'],
    ['resume', 'resume', 'running'],
  ])('%s', async (path, verb, state) => {
    expect(await send(`/processes/watcher/${path}`, { method: 'POST' })).toMatchObject({
      status: 200,
      body: { name: 'watcher', state },
    })
    expect(runtime.calls).toEqual([[verb]])
  })

  it('takes bodies away', async () => {
    expect((await send('/processes/watcher/purge', { method: 'POST' })).body).toEqual({ removed: 3 })
    expect(runtime.calls).toEqual([['purge']])
  })

  it('names large bodies in the journal, unless it is asked for them', async () => {
    await send('/processes/watcher/journal?bodies=whole')
    expect(runtime.calls).toEqual([['journal', { limit: 100, bodies: 'whole' }]])
  })

  it('accepts an event with its key and leaves the payload alone', async () => {
    const reply = await sendJson('/processes/watcher/events', { someKey: [1] }, 'POST', { 'idempotency-key': 'k' })
    expect(reply).toMatchObject({ status: 202, body: { event_id: 'e1', accepted: true, duplicate: false } })
    expect(runtime.calls).toEqual([['enqueue', { someKey: [1] }, { idempotencyKey: 'k' }]])
  })

  it('waits for the turn, and says that it was accepted when the turn takes longer', async () => {
    expect(await sendJson('/processes/watcher/events?wait=30s', 1)).toMatchObject({
      status: 202,
      body: { event_id: 'e1' },
    })
    runtime.turn = { status: 'completed', eventId: 'e1', turn: 't1', result: { fooBar: 1 } }
    expect(await sendJson('/processes/watcher/events?wait=2', 1)).toMatchObject({
      status: 200,
      body: { event_id: 'e1', status: 'completed', result: { fooBar: 1 } },
    })
    expect(runtime.calls.filter(([call]) => call === 'result')).toEqual([
      ['result', 'e1', 30_000],
      ['result', 'e1', 2_000],
    ])
    for (const wait of ['soon', '11m'])
      expect((await sendJson(`/processes/watcher/events?wait=${wait}`, 1)).status).toBe(400)
  })

  it('reads and patches state', async () => {
    expect((await sendJson('/processes/watcher/context', { state: { aB: 1 } }, 'PATCH')).body).toEqual({
      state: { aB: 1 },
      conversation: { summary: '', messages: [] },
    })
    expect((await send('/processes/watcher/context')).body).toMatchObject({ state: { aB: 1 } })
    expect(await sendJson('/processes/watcher/context', { state: {}, x: 1 }, 'PATCH')).toMatchObject({
      status: 422,
      body: { error: { code: 'UNKNOWN_FIELD' } },
    })
    expect(await sendJson('/processes/watcher/context', { state: [] }, 'PATCH')).toMatchObject({
      status: 422,
      body: { error: { code: 'INVALID_CONFIG', details: [{ path: 'state' }] } },
    })
  })

  it('lists turns, tells one, and ends one', async () => {
    expect((await send('/processes/watcher/turns?state=running&limit=5')).body).toEqual({
      turns: [{ turn: 't1', event_id: 'e1', state: 'running', attempt: 1, at: 'then' }],
    })
    expect((await send('/processes/watcher/turns?state=done')).body.error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await send('/processes/watcher/turns/t1')).body).toMatchObject({ turn: 't1', entries: [{}, {}, {}] })
    expect((await send('/processes/watcher/turns/t1/cancel', { method: 'POST' })).status).toBe(200)
    expect(runtime.calls).toMatchObject([
      ['turns', { state: 'running', limit: 5 }],
      ['journal', { turn: 't1', order: 'oldest_first' }],
      ['cancel', 't1'],
    ])
  })

  it('redelivers and forgets dead letters, those named or all', async () => {
    const path = '/processes/watcher/dead-letters'
    expect(await sendJson(`${path}/redeliver`, { event_ids: ['e1'] })).toMatchObject({
      status: 202,
      body: { event_ids: ['e2'] },
    })
    await send(`${path}/redeliver`, { method: 'POST' })
    await send(`${path}?event_id=a&event_id=b`, { method: 'DELETE' })
    expect((await send(path, { method: 'DELETE' })).body).toEqual({ discarded: 1 })
    expect(runtime.calls).toEqual([
      ['redeliver', ['e1']],
      ['redeliver', undefined],
      ['discard', ['a', 'b']],
      ['discard', undefined],
    ])
    expect((await sendJson(`${path}/redeliver`, { ids: [] })).body.error.code).toBe('UNKNOWN_FIELD')
  })

  it('rewinds to a record, a turn or a time, and only tells unless it is meant', async () => {
    const path = '/processes/watcher/rewind'
    expect((await sendJson(path, { to: 7 })).body).toEqual({ n: 1, changes: [], messages: 0, applied: false })
    expect((await sendJson(path, { to: 't-1', dry_run: false })).body).toMatchObject({ applied: true })
    await sendJson(path, { to: '2026-01-01T00:00:00+01:00' })
    expect(runtime.calls.map(([, to]) => to)).toEqual([{ n: 7 }, { turn: 't-1' }, { at: '2025-12-31T23:00:00.000Z' }])
    expect((await sendJson(path, { to: 0 })).body.error.code).toBe('INVALID_CONFIG')
  })

  it('forks, and replays a turn', async () => {
    const forked = await sendJson('/processes/watcher/fork', { name: 'twin', at: '12' })
    expect(forked).toMatchObject({ status: 201, body: { name: 'twin', state: 'stopped' } })
    expect(runtime.calls).toEqual([['fork', 'twin', { n: 12 }]])
    expect((await sendJson('/processes/watcher/turns/t1/replay', {})).body).toMatchObject({ turn: 't1', same: true })
  })

  it('lists, adds, removes and fires triggers', async () => {
    const path = '/processes/watcher/triggers'
    expect((await send(path)).body).toMatchObject({
      triggers: [
        { next_fire: '2026-01-01T01:00:00.000Z', last_event: { event_id: 'e1' }, last_failure: { at: 'then' } },
      ],
    })
    expect(await sendJson(path, { cron: '0 * * * *' })).toMatchObject({
      status: 201,
      body: { trigger_id: 't1', next_fire: '2026-01-01T01:00:00.000Z' },
    })
    await send(path, { method: 'POST', body: 'event: a.*', headers: { 'content-type': 'application/yaml' } })
    expect((await send(`${path}/t1`, { method: 'DELETE' })).body).toEqual({ trigger_id: 't1' })
    expect(await sendJson(`${path}/t1/fire`, { aB: 1 })).toMatchObject({ status: 202, body: { event_id: 'e1' } })
    expect((await sendJson(`${path}/off/fire`, 1)).body).toEqual({ accepted: false, reason: 'disabled' })
    expect(runtime.calls).toEqual([
      ['addTrigger', { cron: '0 * * * *' }],
      ['addTrigger', 'event: a.*'],
      ['removeTrigger', 't1'],
      ['fire', 't1', { aB: 1 }],
      ['fire', 'off', 1],
    ])
  })

  it('shows what is in doubt and takes a word on it', async () => {
    expect((await send('/doubts')).body).toMatchObject({ doubts: [{ id: 'd1', event_id: 'e1', kind: 'fetch' }] })
    await sendJson('/doubts/d1', { outcome: 'done', result: { paid: true } })
    expect(runtime.calls).toEqual([['resolveDoubt', 'd1', { outcome: 'done', result: { paid: true } }]])
    expect((await sendJson('/doubts/d1', { outcome: 'maybe' })).body.error.code).toBe('INVALID_CONFIG')
  })

  it('publishes', async () => {
    expect(await sendJson('/bus/orders.new', { a: 1 })).toMatchObject({ status: 202, body: { event_id: 'p1' } })
    expect(runtime.calls).toEqual([['publish', 'orders.new', { a: 1 }]])
  })
})

describe('refusing', () => {
  it('says what is allowed for a wrong method, and nothing for no route', async () => {
    const wrong = await send('/processes/watcher/start')
    expect([wrong.status, wrong.headers.get('allow'), wrong.body.error]).toMatchObject([
      404,
      'POST',
      { code: 'ROUTE_NOT_FOUND', details: { allow: ['POST'] } },
    ])
    expect((await send('/nowhere')).body.error).toMatchObject({ code: 'ROUTE_NOT_FOUND', help: expect.any(String) })
  })

  it('keeps the words of an unforeseen error to the log', async () => {
    runtime.list = () => {
      throw new Error('secret detail')
    }
    const { status: code, body } = await send('/processes')
    expect([code, JSON.stringify(body).includes('secret')]).toEqual([500, false])
    expect(errors).toMatchObject([{ message: 'secret detail' }])
  })

  it('asks for nothing where no token and no hosts are set, and serves another prefix', async () => {
    const open = createHandler(runtime, { prefix: '/x', token: undefined })
    expect((await open(new Request('http://any/x/processes'))).status).toBe(200)
  })
})
