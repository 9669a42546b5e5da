import type { ExitCause } from '@vigil/protocol'
import { expect, test } from 'vitest'
import type { Manifest } from '../manifests/manifest.ts'
import { afterExit, newHistory } from './exit-rules.ts'

const policy = { restartPolicy: 'on_failure', maxRestartsWithoutProgress: 10 } as Manifest
const crash: ExitCause = { kind: 'exit_code', code: 3 }

/** Lets the process die so often and gives what became of it each time. */
const deaths = (count: number, cause: ExitCause, progressed: (nth: number) => boolean) => {
  let history = newHistory
  return Array.from({ length: count }, (_, nth) => {
    const after = afterExit(policy, history, { cause, progressed: progressed(nth) })
    history = after.history
    return after.verdict.is
  })
}

test.each([
  ['always', { kind: 'normal' }, 'supervised'],
  ['always', crash, 'supervised'],
  ['on_failure', { kind: 'normal' }, 'stopped'],
  ['on_failure', { kind: 'shutdown' }, 'stopped'],
  ['on_failure', crash, 'supervised'],
  ['never', { kind: 'normal' }, 'stopped'],
  ['never', crash, 'parked'],
] as const)('restart_policy %s after %o: %s', (restartPolicy, cause, is) => {
  expect(afterExit({ ...policy, restartPolicy }, newHistory, { cause, progressed: true }).verdict.is).toBe(is)
})

test('restarts without progress park; any progress begins the count again', () => {
  expect(deaths(11, crash, () => false)).toEqual([...Array(10).fill('supervised'), 'parked'])
  expect(deaths(40, crash, (nth) => nth % 10 === 0)).not.toContain('parked')
})

test('failures restart once, then park', () => {
  expect(deaths(2, { kind: 'failures', count: 3 }, () => true)).toEqual(['supervised', 'parked'])
})
