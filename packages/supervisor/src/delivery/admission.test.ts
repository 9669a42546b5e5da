import { type AcceptedEvent, limits, type RecordDraft } from '@vigil/protocol'
import { expect, test, vi } from 'vitest'
import { accepted, alpha, manualEvent, started, worldOf } from '../../fixtures/process.ts'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import type { SpawnSpec } from '../manifests/spec.ts'
import { triggerId } from '../triggers/event-id.ts'
import { type AdmissionMoment, admit, isAwaiting } from './admission.ts'

const second = 1_000
const atOnce: Omit<AdmissionMoment, 'ageMs'> = {
  running: new Set(),
  retryInMs: () => 0,
  isExpired: () => false,
  nowMs: 0,
  budgetInMs: 0,
}
const decide = (process: ProcessFold, moment: Partial<AdmissionMoment> = {}) => {
  const { nowMs } = { ...atOnce, ...moment }
  return admit(process, { ...atOnce, ageMs: ({ timestamp }) => nowMs - Date.parse(timestamp), ...moment })
}
const begun = (process: ProcessFold, moment: Partial<AdmissionMoment> = {}) =>
  decide(process, moment).begin.map(({ events }) => events.map((event) => event.event_id).join('+'))

test('one lane: the first event begins, the rest wait', () => {
  const { put, fold } = worldOf({})
  for (const id of ['e1', 'e2', 'e3']) put(accepted(id))
  expect(begun(fold())).toEqual(['e1'])
  put(started('e1'))
  expect(decide(fold(), { running: new Set(['t-e1']) })).toEqual({
    resume: [],
    begin: [],
    expired: [],
    wakeInMs: undefined,
  })
})

test('lanes fill in order of acceptance', () => {
  const { put, fold } = worldOf({ concurrency: 2 })
  for (const id of ['e1', 'e2', 'e3']) put(accepted(id))
  put(started('e1'))
  expect(begun(fold(), { running: new Set(['t-e1']) })).toEqual(['e2'])
})

test('a turn in backoff keeps its lane until it is due', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(accepted('e2'))
  put(started('e1'))
  const retry_at = '2026-01-01T00:00:05.000Z'
  const error = { code: 'X', message: 'x' }
  put({ ...alpha, type: 'turn.attempt_failed', turn: 't-e1', data: { attempt: 1, error, retry_at } })
  expect(decide(fold(), { retryInMs: () => 1 })).toEqual({ resume: [], begin: [], expired: [], wakeInMs: 1 })
  expect(decide(fold()).resume.map((turn) => turn.turn)).toEqual(['t-e1'])
})

test('a turn that a crash cut is resumed before anything begins', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(accepted('e2'))
  put(started('e1'))
  const cause = { kind: 'signal', signal: 'SIGKILL' } as const
  put({ ...alpha, type: 'incarnation.exited', data: { cause, turns: ['t-e1'], charged: false } })
  const { resume, begin } = decide(fold())
  expect([resume.map((turn) => turn.cut), begin]).toEqual([[true], []])
})

test.each([
  [1, []],
  [2, ['e2', 'e3']],
])('who waits for a person keeps a serial lane, and gives one of several back: %d', (concurrency, next) => {
  const { put, fold } = worldOf({ concurrency })
  for (const id of ['e1', 'e2', 'e3']) put(accepted(id))
  put(started('e1'))
  const error = { code: 'EFFECT_IN_DOUBT', message: 'x' }
  put({ ...alpha, type: 'turn.parked', turn: 't-e1', data: { attempt: 1, doubts: ['pay'], error } })
  expect(decide(fold()).resume).toEqual([])
  expect(begun(fold())).toEqual(next)
})

/** Events of one trigger with these options, so many seconds after each other. */
function triggered(options: Partial<NonNullable<SpawnSpec['triggers']>[number]>, spec: Partial<SpawnSpec> = {}) {
  const { put, fold, world } = worldOf({ ...spec, triggers: [{ type: 'event', eventType: 'a', ...options } as never] })
  const [trigger] = fold().manifest.triggers
  const trigger_id = trigger === undefined ? '' : triggerId(trigger)
  let seconds = 0
  const come = (id: string, payload: unknown = null, after = 1): void => {
    seconds += after
    const timestamp = new Date(seconds * second).toISOString()
    const event: AcceptedEvent = { ...manualEvent(id, payload), trigger_id, timestamp }
    put({ ...alpha, type: 'trigger.accepted', data: { event } })
  }
  return { put, fold, world, come }
}

test('a key has a lane of its own, whatever else waits', () => {
  const { put, fold, come } = triggered({ concurrencyKey: 'payload.customer' })
  for (const [id, customer] of Object.entries({ e1: 'ann', e2: 'ann', e3: 'bob', e4: null, e5: null }))
    come(id, { customer })
  // Without a value at the path it takes the shared lane.
  expect(begun(fold())).toEqual(['e1', 'e3', 'e4'])
  put(started('e1'))
  put(started('e3'))
  expect(begun(fold(), { running: new Set(['t-e1', 't-e3']) })).toEqual(['e4'])
})

test('of events that follow each other the last is handled, when it is quiet', () => {
  const { fold, come } = triggered({ debounce: '10s', key: 'payload.file' }, { concurrency: 2 })
  come('e1', { file: 'a' })
  come('e2', { file: 'a' }, 5)
  come('e3', { file: 'b' }, 5)
  expect(decide(fold(), { nowMs: 15 * second })).toMatchObject({ begin: [], expired: [], wakeInMs: second })
  const { begin, wakeInMs } = decide(fold(), { nowMs: 16 * second })
  expect(begin).toMatchObject([{ events: [{ event_id: 'e2' }], superseded: [{ event_id: 'e1' }] }])
  expect(wakeInMs).toBe(5 * second)
})

test('who is followed again and again is handled after ten times the wait', () => {
  const { fold, come } = triggered({ debounce: '10s' })
  for (let n = 0; n < 20; n += 1) come(`e${n}`, null, 6)
  expect(begun(fold(), { nowMs: 105 * second })).toEqual([])
  expect(begun(fold(), { nowMs: 106 * second })).toEqual(['e19'])
})

test('a batch begins when it is full, or when its first has waited long enough', () => {
  const { fold, come } = triggered({ batch: { max: 3, within: '10s' } }, { concurrency: 9 })
  for (let n = 0; n < 5; n += 1) come(`e${n}`)
  expect(begun(fold(), { nowMs: 5 * second })).toEqual(['e0+e1+e2'])
  expect(decide(fold(), { nowMs: 5 * second }).wakeInMs).toBe(9 * second)
  expect(begun(fold(), { nowMs: 14 * second })).toEqual(['e0+e1+e2', 'e3+e4'])
})

test('a batch is no larger than a payload may be', () => {
  const { fold, come } = triggered({ batch: {} }, { concurrency: 9 })
  for (let n = 0; n < 5; n += 1) come(`e${n}`, 'x'.repeat(400_000))
  expect(begun(fold(), { nowMs: 5 * second })).toEqual(['e0+e1', 'e2+e3'])
})

test('so many turns begin within a span, and the next when the oldest of them is out of it', () => {
  const { put, fold, come } = triggered({ rateLimit: '2/1m' }, { concurrency: 9 })
  for (let n = 0; n < 4; n += 1) come(`e${n}`)
  expect(begun(fold(), { nowMs: 10 * second })).toEqual(['e0', 'e1'])
  for (const [id, at] of Object.entries({ e0: 10, e1: 30 })) {
    const started_at = new Date(at * second).toISOString()
    put({
      ...alpha,
      type: 'turn.started',
      turn: `t-${id}`,
      data: { event_id: id, attempt: 1, bundle: 'b1', started_at, rate: 2 },
    })
  }
  const running = new Set(['t-e0', 't-e1'])
  expect(decide(fold(), { running, nowMs: 40 * second })).toMatchObject({
    begin: [],
    expired: [],
    wakeInMs: 30 * second,
  })
  expect(begun(fold(), { running, nowMs: 70 * second })).toEqual(['e2'])
  // A clock that was set back by a year must not keep anybody waiting for one.
  expect(begun(fold(), { running, nowMs: -1_000_000 * second })).toEqual(['e2', 'e3'])
})

test('a turn that took a batch is known by each of its events', () => {
  const { put, fold, come } = triggered({ batch: { max: 2 } })
  for (const id of ['e1', 'e2', 'e3']) come(id)
  const data = { event_id: 'e1', event_ids: ['e1', 'e2'], attempt: 1, bundle: 'b1', started_at: 'now' }
  put({ ...alpha, type: 'turn.started', turn: 't-e1', data })
  expect([...(fold().turns.get('t-e1') as TurnFold).eventIds]).toEqual(['e1', 'e2'])
  expect(begun(fold(), { running: new Set(['t-e1']), nowMs: 60 * second })).toEqual([])
  const end = { event_id: 'e1', event_ids: ['e1', 'e2'], attempt: 1, result: null, writes: {} }
  put({ ...alpha, type: 'turn.completed', turn: 't-e1', data: end })
  expect(fold()).toMatchObject({ accepted: 3, completed: 2 })
  expect([...fold().mailbox.keys()]).toEqual(['e3'])
})

const message = (id: string, terms: Pick<AcceptedEvent, 'priority' | 'expires_at'>): RecordDraft => ({
  ...alpha,
  type: 'trigger.accepted',
  data: { event: { ...manualEvent(id), ...terms } },
})

test('high before normal before low, in order of acceptance within each', () => {
  const { put, fold } = worldOf({ concurrency: 6 })
  const priorities = { e1: 'low', e2: undefined, e3: 'high', e4: undefined, e5: 'high' } as const
  for (const [id, priority] of Object.entries(priorities)) put(message(id, priority === undefined ? {} : { priority }))
  expect(begun(fold())).toEqual(['e3', 'e5', 'e2', 'e4', 'e1'])
  for (const id of ['e3', 'e5', 'e1'])
    put({ ...alpha, type: 'turn.cancelled', turn: `t-${id}`, data: { event_id: id, reason: 'x', by: 'operator' } })
  expect([begun(fold()), fold().prioritized]).toEqual([['e2', 'e4'], 0])
})

test('what is late is told and not begun; what has begun is never late', () => {
  const { put, fold } = worldOf({ concurrency: 2 })
  for (const id of ['e1', 'e2', 'e3', 'e4']) put(message(id, { expires_at: '2026-01-01T00:00:01.000Z' }))
  put(started('e1'))
  const { begin, expired, resume } = decide(fold(), { isExpired: ({ event_id }) => event_id !== 'e4' })
  expect([begin.map(({ events }) => events[0].event_id), expired.map(({ event_id }) => event_id)]).toEqual([
    ['e4'],
    ['e2', 'e3'],
  ])
  expect(resume.map(({ turn }) => turn)).toEqual(['t-e1'])
})

const parked = (id: string): RecordDraft => {
  const error = { code: 'EFFECT_IN_DOUBT', message: 'x' }
  return { ...alpha, type: 'turn.parked', turn: `t-${id}`, data: { attempt: 1, doubts: ['pay'], error } }
}

test('who waits for a person keeps others of its key waiting, and nobody else', () => {
  const { put, fold, come } = triggered({ concurrencyKey: 'payload' })
  for (let n = 0; n < limits.keyedLanes; n += 1) {
    come(`e${n}`, n)
    put(started(`e${n}`))
    put(parked(`e${n}`))
  }
  come('behind', 0)
  expect([begun(fold()), isAwaiting(fold())]).toEqual([[], true])
  come('beside', 'another')
  expect([begun(fold()), isAwaiting(fold())]).toEqual([['beside'], false])
})

test('thousands that wait are looked at once, and not at all while nothing may begin', () => {
  const { put, fold, come } = triggered({ batch: { max: 50 } })
  const written = vi.fn(() => 'payload')
  for (let n = 0; n < 200; n += 1) come(`e${n}`, { toJSON: written }, 0)
  for (let round = 0; round < 3; round += 1) expect(begun(fold(), { nowMs: second })).toHaveLength(1)
  expect(written.mock.calls.length).toBeLessThanOrEqual(200)
  put(started('e0'))
  const ageMs = vi.fn(() => 0)
  expect(decide(fold(), { running: new Set(['t-e0']), ageMs }).begin).toEqual([])
  expect(ageMs).not.toHaveBeenCalled()
})

test('the rate of a trigger is counted once for all that wait', () => {
  const { fold, come } = triggered({ rateLimit: '1/1m' }, { concurrency: 9 })
  for (let n = 0; n < 200; n += 1) come(`e${n}`, null, 0)
  const asked = vi.spyOn(fold().begun, 'get')
  expect(begun(fold(), { nowMs: second })).toEqual(['e0'])
  expect(asked).toHaveBeenCalledTimes(1)
})
