import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import type { TurnFold } from '../fold/process-fold.ts'
import { retryWaits } from './retry-wait.ts'

/** Wall time, as it says, and how long it runs. */
function handClock(wallMs: number) {
  let runs = 0
  return {
    now: () => wallMs + runs,
    monotonic: () => runs,
    setTimer: () => ({ cancel: () => {} }),
    pass(ms: number) {
      runs += ms
    },
    step(ms: number) {
      wallMs += ms
    },
  }
}

/** A turn that failed at 00:00:03, to be tried again at 00:00:13. */
function failedTurn(): TurnFold {
  const { put, fold } = worldOf({})
  put(accepted('e1'))
  put(started('e1'))
  const error = { code: 'X', message: 'x' }
  const retry_at = new Date(14_000).toISOString()
  put({ ...alpha, type: 'turn.attempt_failed', turn: 't-e1', data: { attempt: 1, error, retry_at } })
  return fold().turns.get('t-e1') as TurnFold
}

test('who finds it on record waits for what is left', () => {
  const clock = handClock(10_000)
  const retryInMs = retryWaits(clock)
  const turn = failedTurn()
  expect(retryInMs(turn)).toBe(4_000)
  clock.pass(3_999)
  expect(retryInMs(turn)).toBe(1)
})

test.each([
  ['back', -3_600_000],
  ['forward', 3_600_000],
])('a clock that is set %s while it waits changes nothing', (_way, step) => {
  const clock = handClock(4_000)
  const retryInMs = retryWaits(clock)
  const turn = failedTurn()
  expect(retryInMs(turn)).toBe(10_000)
  clock.step(step)
  expect(retryInMs(turn)).toBe(10_000)
  clock.pass(10_000)
  expect(retryInMs(turn)).toBe(0)
})

test('a clock that was set back before it was found makes nobody wait longer than was asked for', () => {
  expect(retryWaits(handClock(-3_600_000))(failedTurn())).toBe(10_000)
})
