import { limits } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, started, worldOf } from '../../fixtures/process.ts'
import { recordedEffects } from '../delivery/attempt.ts'
import type { TurnFold } from '../fold/process-fold.ts'
import { completionRecord, failureRecord, poisonRecord } from './turn-end.ts'

function open(attempt = 1) {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1', attempt))
  return { process: fold(), turn: fold().turns.get('t-e1') as TurnFold, nowMs: 0, jitter: 0 }
}
const thrown = (over: object = {}) => ({ error: { message: 'no', ...over }, unasked: [], crashed: false })

test('a throw is tried again with backoff, then dead-lettered', () => {
  expect(failureRecord(open(1), thrown())).toMatchObject({
    type: 'turn.attempt_failed',
    data: { retry_at: '1970-01-01T00:00:02.000Z' },
  })
  expect(failureRecord(open(2), thrown())).toMatchObject({
    type: 'turn.attempt_failed',
    data: { retry_at: '1970-01-01T00:00:04.000Z' },
  })
  expect(failureRecord(open(3), thrown())).toMatchObject({
    type: 'turn.dead_lettered',
    data: { reason: 'retries_exhausted', attempts: 3 },
  })
})

test('fail(message, { retry: false }) is not tried again, and keeps its code', () => {
  const record = failureRecord(open(), thrown({ retry: false, code: 'NO_SUCH_ORDER' }))
  expect(record).toMatchObject({
    type: 'turn.dead_lettered',
    data: { reason: 'not_retryable', error: { code: 'NO_SUCH_ORDER' } },
  })
})

test('a recorded outcome that nobody asked for after a crash is divergence', () => {
  const context = open(2)
  const done = { kind: 'step', at: 'a', repeatable: true, rerun: false } as const
  context.turn.effects.set('of this attempt', { ...done, key: 'of this attempt', attempt: 2 })
  context.turn.effects.set('of the first', { ...done, key: 'of the first', attempt: 1 })
  const end = { result: 1, writes: { set: { a: 1 } }, unasked: ['of this attempt'], crashed: true }
  expect(completionRecord(context, end)).toMatchObject({
    type: 'turn.dead_lettered',
    data: { error: { code: 'TURN_DIVERGED' } },
  })
  expect(completionRecord(context, { ...end, crashed: false })).toMatchObject({ type: 'turn.completed' })
  // The attempt that threw may have gone another way than the one after it.
  expect(completionRecord(context, { ...end, unasked: ['of the first'] })).toMatchObject({ type: 'turn.completed' })
})

test('a result or state value over its cap is refused by name', () => {
  const big = 'x'.repeat(300_000)
  const record = completionRecord(open(), {
    result: null,
    writes: { set: { report: big } },
    unasked: [],
    crashed: false,
  })
  expect(record).toMatchObject({
    type: 'turn.dead_lettered',
    data: { error: { code: 'TOO_LARGE', message: expect.stringContaining('report') } },
  })
})

test('a turn that would make the whole state too large is refused with both sizes', () => {
  const context = open()
  context.process.stateBytes = limits.stateBytes - 5
  const end = { result: null, writes: { set: { k: 'abcd' } }, unasked: [], crashed: false }
  expect(completionRecord(context, end)).toMatchObject({
    type: 'turn.dead_lettered',
    data: {
      reason: 'not_retryable',
      error: { code: 'TOO_LARGE', message: expect.stringContaining('64000002 bytes, at most 64000000') },
    },
  })
  context.process.stateBytes -= 2
  expect(completionRecord(context, end)).toMatchObject({ type: 'turn.completed' })
})

test('poison names the last cause', () => {
  const context = open()
  context.process.lastExit = { at: '', cause: { kind: 'memory', used_mb: 300, limit_mb: 128 } }
  expect(poisonRecord(context)).toMatchObject({
    data: { reason: 'poison', error: { code: 'CRASHED_TWICE', message: expect.stringContaining('memory') } },
  })
})

test('an intent without outcome is for the guest to ask again', () => {
  const { turn } = open()
  turn.effects.set('post', { key: 'post', kind: 'fetch', at: 'a', attempt: 1, repeatable: false, rerun: false })
  turn.effects.set('get', { key: 'get', kind: 'fetch', at: 'a', attempt: 1, repeatable: true, rerun: true })
  turn.effects.set('look', { key: 'look', kind: 'step', at: 'a', attempt: 1, repeatable: true, rerun: false })
  expect(recordedEffects(turn)).toEqual([{ key: 'look/begun', kind: 'step', at: 'a', outcome: 'begun' }])
})
