import { expect, test } from 'vitest'
import { fleet } from '../support/fleet.ts'

const hurried = { maxTurn: '300ms', delivery: { maxRetries: 0 }, maxConsecutiveFailures: 9 }

test('past max_turn the attempt ends, as if run() had thrown: the thread lives', async () => {
  await using f = await fleet({ worker: hurried })
  await expect(f.agent('worker').run({ act: 'forever' })).rejects.toMatchObject({ cause: { code: 'TURN_TIMEOUT' } })
  expect(await f.agent('worker').run({ act: 'sleep', ms: 700 })).toBeNull()
  expect(f.agent('worker').status()).toMatchObject({ epoch: 1, restarts: 0 })
})

test('a guest that cannot answer when its time is up has crashed, and has not thrown', async () => {
  await using f = await fleet({ worker: { ...hurried, heartbeatTimeout: '600ms' } })
  await expect(f.agent('worker').run({ act: 'spin' })).rejects.toMatchObject({ cause: { code: 'CRASHED_TWICE' } })
  expect(f.agent('worker').status()).toMatchObject({ restarts: 2, lastExit: { cause: { kind: 'heartbeat_lost' } } })
  expect(f.records.filter(({ type }) => type === 'turn.attempt_failed')).toEqual([])
  expect(await f.agent('worker').run()).toBe('here')
})
