import { type ProcessName, type RecordDraft, recordTable } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { packRow, unpackRow } from './packed-row.ts'
import { folds } from './world.ts'

const completed = (id: string, writes = {}) =>
  ({
    ...alpha,
    type: 'turn.completed',
    turn: `t-${id}`,
    data: { event_id: id, attempt: 1, result: null, writes },
  }) as const

test('an accepted event waits, is open, ends: exactly once', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  expect([...fold().mailbox.keys()]).toEqual(['e1'])
  put(started('e1'))
  put(completed('e1', { set: { a: 1 } }))
  put(completed('e1', { set: { a: 2 } }))
  expect(fold()).toMatchObject({ accepted: 1, completed: 1, deadLettered: 0 })
  expect(fold().mailbox.size + fold().turns.size).toBe(0)
  expect(fold().state.get('a')).toBe(1)
})

test('a late outcome of an ended turn changes nothing', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  put(completed('e1'))
  put({
    ...alpha,
    type: 'effect.completed',
    turn: 't-e1',
    data: { key: 'k', kind: 'fetch', outcome: { ok: true, value: 1 } },
  })
  expect(fold().turns.size).toBe(0)
})

test('add and append are applied to what stands at commit; delete forgets', () => {
  const { put, fold } = worldOf({ context: { initialState: { n: 5, list: ['a'], gone: true } } })
  for (const id of ['e1', 'e2']) {
    put(accepted(id))
    put(started(id))
    put(completed(id, { add: { n: 2 }, append: { list: [id] }, delete: ['gone'] }))
  }
  expect(Object.fromEntries(fold().state)).toEqual({ n: 9, list: ['a', 'e1', 'e2'] })
  expect(
    fold()
      .stateHistory.get('n')
      ?.map((change) => [change.value, change.source]),
  ).toEqual([
    [7, 't-e1'],
    [9, 't-e2'],
  ])
})

test('an open turn keeps what it read while others commit, until its next attempt', () => {
  const { put, fold } = worldOf({ context: { initialState: { a: 1 } } })
  for (const id of ['e1', 'e2', 'e3']) {
    put(accepted(id))
    put(started(id))
  }
  put(completed('e2', { set: { a: 2, b: 2 } }))
  put({ ...alpha, type: 'state.patched', data: { set: { a: 3 }, by: 'operator' } })
  const before = () => Object.fromEntries(fold().turns.get('t-e1')?.before ?? [])
  expect(before()).toEqual({ a: 1, b: undefined })
  put(started('e1', 1))
  expect(before()).toEqual({ a: 1, b: undefined })
  put(completed('e3', { set: { a: 4, b: 4 }, updated: ['b'] }))
  const last = (key: string) => fold().stateHistory.get(key)?.at(-1)
  expect([last('a'), last('b')]).toMatchObject([{ value: 4, overwrote: 'operator' }, { value: 4 }])
  expect(last('b')).not.toHaveProperty('overwrote')
  expect(unpackRow(Buffer.concat([...packRow(fold(), 3)])).process).toEqual(fold())
  put(started('e1', 2))
  expect(before()).toEqual({})
})

test('the size of the state is kept to the byte', () => {
  const { put, fold } = worldOf({ context: { initialState: { a: 'ä', gone: [1, 2] } } })
  put(accepted('e1'))
  put(started('e1'))
  put(completed('e1', { set: { a: { b: 1 } }, delete: ['gone', 'never'], append: { list: ['x'] }, add: { n: 1 } }))
  const bytes = [...fold().state].map(([key, value]) => Buffer.byteLength(key + JSON.stringify(value)))
  expect(fold().stateBytes).toBe(bytes.reduce((sum, each) => sum + each, 0))
})

test('one publication is the effect of the sender and the event of every receiver', () => {
  const { put, fold } = worldOf({}, { name: 'beta' }, { name: 'gamma' })
  put(accepted('e1'))
  put(started('e1'))
  const deliveries = ['beta', 'gamma'].map((process) => ({ process, trigger_id: 'x', event_id: 'p1' }))
  const data = {
    event_id: 'p1',
    topic: 'a.b',
    data: { x: 1 },
    source: 'alpha',
    timestamp: '2026-01-01T00:00:00.000Z',
    key: 'publish:a.b#0',
    deliveries,
  }
  put({ ...alpha, type: 'bus.published', turn: 't-e1', data })
  expect(fold().turns.get('t-e1')?.effects.get('publish:a.b#0')?.outcome).toEqual({
    ok: true,
    value: { event_id: 'p1', deliveries: 2 },
  })
  for (const name of ['beta', 'gamma']) {
    expect(fold(name).mailbox.get('p1')).toMatchObject({
      type: 'event',
      payload: { event_type: 'a.b', source: 'alpha', data: { x: 1 } },
    })
  }
})

test('a failed attempt keeps what was done or is in doubt, and forgets reads and failures', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const effect = (key: string, ok: boolean, rerun = false, code = 'X') => {
    const outcome = ok ? ({ ok, value: 1 } as const) : ({ ok, error: { code, message: 'x' } } as const)
    put({
      ...alpha,
      type: 'effect.completed',
      turn: 't-e1',
      data: { key, kind: 'fetch', outcome, ...(rerun ? { rerun } : {}) },
    })
  }
  effect('done', true)
  effect('failed', false)
  effect('read', true, true)
  effect('told', false, false, 'EFFECT_IN_DOUBT')
  put({
    ...alpha,
    type: 'effect.intended',
    turn: 't-e1',
    data: { key: 'doubt', kind: 'fetch', input: null, repeatable: false },
  })
  const error = { code: 'TURN_FAILED', message: 'x' }
  put({
    ...alpha,
    type: 'turn.attempt_failed',
    turn: 't-e1',
    data: { attempt: 1, error, retry_at: '2026-01-01T00:00:05.000Z' },
  })
  expect([...(fold().turns.get('t-e1')?.effects.keys() ?? [])]).toEqual(['done', 'told', 'doubt'])
})

test('what comes in after its attempt has failed is as old as that attempt, and done again like the rest', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const about = { ...alpha, turn: 't-e1' } as const
  for (const key of ['late', 'later', 'joined'])
    put({ ...about, type: 'effect.intended', data: { key, kind: 'fetch', input: null, repeatable: true } })
  const end = (key: string, ok: boolean) => {
    const outcome = ok ? ({ ok, value: 1 } as const) : ({ ok, error: { code: 'FETCH_FAILED', message: 'x' } } as const)
    put({ ...about, type: 'effect.completed', data: { key, kind: 'fetch', outcome } })
  }
  const error = { code: 'TURN_FAILED', message: 'x' }
  const retry_at = '2026-01-01T00:00:05.000Z'
  put({ ...about, type: 'turn.attempt_failed', data: { attempt: 1, error, retry_at } })
  end('late', false)
  end('later', true)
  put(started('e1', 2))
  end('joined', true)
  const effects = [...(fold().turns.get('t-e1')?.effects.values() ?? [])]
  expect(effects.map(({ key, attempt }) => [key, attempt])).toEqual([
    ['later', 1],
    ['joined', 1],
  ])
})

test('a turn that waits for a person is worked on by no life: none that ends cuts or charges it', () => {
  const { put, fold } = worldOf({ concurrency: 2 })
  put(accepted('e1'))
  put(started('e1'))
  const error = { code: 'EFFECT_IN_DOUBT', message: 'x' }
  put({ ...alpha, type: 'turn.parked', turn: 't-e1', data: { attempt: 1, doubts: ['pay'], error } })
  const cause = { kind: 'exit_code', code: 3 } as const
  put({ ...alpha, type: 'incarnation.exited', data: { cause, turns: ['t-e1'], charged: true } })
  put({ ...alpha, type: 'incarnation.released', data: { why: 'idle', turns: ['t-e1'] } })
  expect(fold().turns.get('t-e1')).toMatchObject({ crashes: 0, cut: false, quarantined: false })
})

test('turns that count against a rate began as long ago as before when the clock is set', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  const { data, ...begin } = started('e1') as Extract<RecordDraft, { type: 'turn.started' }>
  put({ ...begin, data: { ...data, rate: 2 } })
  const [before = 0] = fold().begun.get('manual') ?? []

  put({ process: '@runtime' as ProcessName, epoch: 0, type: 'clock.stepped', data: { by_ms: -3_600_000 } })
  expect(fold().begun.get('manual')).toEqual([before - 3_600_000])
})

test('own crashes are charged to the open turns, others are not', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const exit = (charged: boolean) =>
    put({
      ...alpha,
      type: 'incarnation.exited',
      data: { cause: { kind: 'exit_code', code: 3 }, turns: ['t-e1'], charged, restart_in_ms: 10 },
    })
  exit(false)
  exit(true)
  expect(fold().turns.get('t-e1')).toMatchObject({ crashes: 1, cut: true })
  expect(fold().restarts).toBe(2)
})

test('a checkpoint row gives back the very same process', () => {
  const { put, fold } = worldOf({ context: { initialState: { a: { deep: [1, null, 'x'] } } } })
  put(accepted('e1', { big: 'payload' }))
  put(accepted('e2'))
  put(started('e1'))
  put({
    ...alpha,
    type: 'effect.completed',
    turn: 't-e1',
    data: { key: 'k', kind: 'step', outcome: { ok: true, value: [1, { b: 2 }] } },
  })
  put({ ...alpha, type: 'trigger.armed', data: { trigger_id: 'c', from: '2026-01-01T00:00:00.000Z' } })
  put({ ...alpha, type: 'trigger.baseline', data: { trigger_id: 'f', files: [['/a', '1:2:3']] } })
  expect(unpackRow(Buffer.concat([...packRow(fold(), 77)]))).toEqual({ process: fold(), seq: 77 })
})

test('every record type says what it means for what is known', () => {
  expect(Object.keys(folds).sort()).toEqual(Object.keys(recordTable).sort())
})
