import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { admit } from './admission.ts'

const none = new Set<string>()
const atOnce = (): number => 0

test('one lane: the first event begins, the rest wait', () => {
  const { put, fold } = worldOf({})
  for (const id of ['e1', 'e2', 'e3']) put(accepted(id))
  expect(admit(fold(), none, atOnce).begin.map((event) => event.event_id)).toEqual(['e1'])
  put(started('e1'))
  expect(admit(fold(), new Set(['t-e1']), atOnce)).toEqual({ resume: [], begin: [], wakeInMs: undefined })
})

test('lanes fill in order of acceptance', () => {
  const { put, fold } = worldOf({ concurrency: 2 })
  for (const id of ['e1', 'e2', 'e3']) put(accepted(id))
  put(started('e1'))
  expect(admit(fold(), new Set(['t-e1']), atOnce).begin.map((event) => event.event_id)).toEqual(['e2'])
})

test('a turn in backoff keeps its lane until it is due', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(accepted('e2'))
  put(started('e1'))
  const retry_at = '2026-01-01T00:00:05.000Z'
  put({
    ...alpha,
    type: 'turn.attempt_failed',
    turn: 't-e1',
    data: { attempt: 1, error: { code: 'X', message: 'x' }, retry_at },
  })
  const early = admit(fold(), none, () => 1)
  expect(early).toEqual({ resume: [], begin: [], wakeInMs: 1 })
  expect(admit(fold(), none, atOnce).resume.map((turn) => turn.turn)).toEqual(['t-e1'])
})

test('a turn that a crash cut is resumed before anything begins', () => {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(accepted('e2'))
  put(started('e1'))
  put({
    ...alpha,
    type: 'incarnation.exited',
    data: { cause: { kind: 'signal', signal: 'SIGKILL' }, turns: ['t-e1'], charged: false },
  })
  const { resume, begin } = admit(fold(), none, atOnce)
  expect([resume.map((turn) => turn.cut), begin]).toEqual([[true], []])
})
