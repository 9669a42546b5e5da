import type { ExitCause } from '@vigil/protocol'
import { expect, test } from 'vitest'
import type { Manifest } from '../manifests/manifest.ts'
import { backoff, decideRestart, newHistory, type RestartHistory } from './restart-decision.ts'

const policy = {
  restartPolicy: 'on_failure',
  maxRestarts: 3,
  restartWindowMs: 60_000,
  restartBackoffMs: 1_000,
  stableAfterMs: 60_000,
  maxRestartsWithoutProgress: 10,
} as Manifest
const crash: ExitCause = { kind: 'exit_code', code: 3 }

/** Lets the process die `aliveMs` after each start and gives the actions. */
const lives = (
  count: number,
  aliveMs: number,
  over: Partial<Manifest> = {},
  cause: ExitCause = crash,
  progressed = true,
) => {
  let history: RestartHistory = newHistory
  return Array.from({ length: count }, () => {
    const decision = decideRestart({ ...policy, ...over }, history, { cause, aliveMs, progressed }, 0)
    history = decision.history
    return decision
  })
}

test('three quick crashes restart with doubling backoff, the fourth parks', () => {
  const decisions = lives(4, 10)
  expect(decisions.map((each) => each.action)).toEqual(['restart', 'restart', 'restart', 'park'])
  expect(decisions.slice(0, 3).map((each) => 'delayMs' in each && each.delayMs)).toEqual([1_000, 2_000, 4_000])
})

test('crashes spaced just outside the window go on for ever', () => {
  expect(lives(50, 20_001).every((each) => each.action === 'restart')).toBe(true)
  expect(lives(4, 19_999).at(-1)?.action).toBe('park')
})

test('a stable life resets the backoff', () => {
  const decisions = lives(3, 60_000)
  expect(decisions.map((each) => 'delayMs' in each && each.delayMs)).toEqual([1_000, 1_000, 1_000])
})

test('restarts without progress park even when they are slow', () => {
  const actions = lives(11, 40_000, {}, crash, false).map((each) => each.action)
  expect(actions.slice(0, 10).every((each) => each === 'restart')).toBe(true)
  expect(actions[10]).toBe('park')
})

test.each([
  ['always', { kind: 'normal' }, 'restart'],
  ['always', crash, 'restart'],
  ['on_failure', { kind: 'normal' }, 'stop'],
  ['on_failure', { kind: 'shutdown' }, 'stop'],
  ['on_failure', crash, 'restart'],
  ['never', { kind: 'normal' }, 'stop'],
  ['never', crash, 'park'],
] as const)('restart_policy %s after %o: %s', (restartPolicy, cause, action) => {
  expect(lives(1, 10, { restartPolicy }, cause)[0]?.action).toBe(action)
})

test('failures restart once, then park', () => {
  expect(lives(2, 30_000, {}, { kind: 'failures', count: 3 }).map((each) => each.action)).toEqual(['restart', 'park'])
})

test('backoff stays under its cap and jitter only shortens', () => {
  expect(backoff(1_000, 40, 0)).toBe(60_000)
  expect(backoff(1_000, 0, 0.999)).toBeGreaterThanOrEqual(750)
})
