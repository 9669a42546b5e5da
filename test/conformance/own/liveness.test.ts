import { describe, expect, test } from 'vitest'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

describe.each(['process', 'thread'] as const)('%s', (isolation) => {
  test('silent_agent_detected: whose loop does not turn for heartbeat_timeout is ended, and nobody else', async () => {
    await using f = await fleet({ a: { isolation, heartbeatTimeout: '300ms' }, near: { isolation } })
    await expect(f.agent('a').run({ act: 'spin' })).rejects.toMatchObject({ code: 'TURN_FAILED' })
    expect(f.agent('a').status().lastExit?.cause).toMatchObject({
      kind: 'heartbeat_lost',
      silent_ms: expect.any(Number),
    })
    expect(await f.agent('near').run()).toBe('here')
    expect(f.agent('near').status().epoch).toBe(1)
  })

  test('agent_with_declared_wait_not_killed: waiting for ring 0 is no silence, however long', async () => {
    await using f = await fleet({ a: { isolation, heartbeatTimeout: '500ms', maxTurn: '300ms' } })
    expect(await f.agent('a').run({ act: 'sleep', ms: 1_500 })).toBeNull()
    expect(f.agent('a').status()).toMatchObject({ epoch: 1, counters: { completed: 1 } })
  })

  test('ELU_1_for_n_s: how long a loop has been busy without a pause is seen from outside', async () => {
    await using f = await fleet({ a: { isolation, hibernateAfter: 0 } })
    await until('the loop to rest', () => f.agent('a').status().vitals?.busyMs === 0)
    const worked = f.agent('a').run({ act: 'work', ms: 1_500 })
    await until('the loop to have been busy for half a second', () => (f.agent('a').status().vitals?.busyMs ?? 0) > 500)
    expect(f.agent('a').status().vitals?.loop).toBeGreaterThan(0.98)
    expect(await worked).toBe('worked')
    await until('the loop to rest again', () => f.agent('a').status().vitals?.busyMs === 0)
    expect(f.agent('a').status().epoch).toBe(1)
  })

  test('max_turn ends a turn that waits for nothing that ring 0 does', async () => {
    await using f = await fleet({ a: { isolation, maxTurn: '200ms', delivery: { maxRetries: 0 } } })
    await expect(f.agent('a').run({ act: 'forever' })).rejects.toMatchObject({
      details: { error: { code: 'TURN_TIMEOUT' } },
    })
    expect(await f.agent('a').run()).toBe('here')
    expect(f.agent('a').status().epoch).toBe(1)
  })
})
