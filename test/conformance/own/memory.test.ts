import { describe, expect, test } from 'vitest'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const hog = new URL('../../fixtures/hog/hog.ts', import.meta.url)

describe.each(['process', 'thread'] as const)('%s', (isolation) => {
  const small = { isolation, memoryMb: 64, hibernateAfter: 0, maxRestarts: 100 } as const

  test('buffers_over_soft_limit_are_killed_with_cause_memory', async () => {
    await using f = await fleet({ a: { ...small, entrypoint: hog }, near: { ...small, entrypoint: hog } })
    await expect(f.agent('a').run({ shape: 'Buffers', yields: true })).rejects.toMatchObject({ code: 'TURN_FAILED' })
    const { cause } = f.agent('a').status().lastExit ?? {}
    expect(cause).toMatchObject({ kind: 'memory', limit_mb: 64 })
    expect(cause?.kind === 'memory' && cause.used_mb > 64).toBe(true)
    // It yields between its steps, so its thread is found and ended before it can cost the cell.
    expect(f.agent('near').status().epoch).toBe(1)
  })

  test('wasm_memory_counts', async () => {
    await using f = await fleet({ a: small, near: small })
    await expect(f.agent('a').run({ act: 'wasm', count: 300 })).rejects.toMatchObject({ code: 'TURN_FAILED' })
    expect(f.agent('a').status().lastExit?.cause).toMatchObject({ kind: 'memory' })
    expect(await f.agent('near').run()).toBe('here')
    expect(
      f.records.filter(
        (record) => record.type === 'incarnation.exited' && record.process === 'near' && record.data.charged,
      ),
    ).toEqual([])
  })
})

describe('process', () => {
  test('group_of_grandchildren_counts', async () => {
    const entrypoint = new URL('../../fixtures/grandchild/hog.ts', import.meta.url)
    await using f = await fleet({
      a: { entrypoint, memoryMb: 128, permissions: { childProcess: true }, maxRestarts: 100 },
    })
    await expect(f.agent('a').run()).rejects.toMatchObject({ code: 'TURN_FAILED' })
    expect(f.agent('a').status().lastExit?.cause).toMatchObject({ kind: 'memory', limit_mb: 128 })
  })
})

describe('thread', () => {
  const shared = { isolation: 'thread', hibernateAfter: 0 } as const

  test('limit_poll_is_serialised: polls that nobody answers do not pile up, and go on afterwards', async () => {
    await using f = await fleet({ a: { ...shared, memoryMb: 64, entrypoint: hog }, near: shared })
    // A thread in native code answers no poll; 40 of them fall due.
    await f.agent('near').run({ act: 'native', ms: 2_000 })
    const weighed = f.agent('near').status().vitals
    expect(weighed).toBeDefined()
    await expect(f.agent('a').run({ shape: 'Buffers', yields: true })).rejects.toMatchObject({ code: 'TURN_FAILED' })
    expect(f.agent('a').status().lastExit?.cause).toMatchObject({ kind: 'memory', limit_mb: 64 })
    expect(f.agent('near').status().epoch).toBe(1)
  })

  test('innocent_sibling_on_lost_host_keeps_budget: however often the cell dies', async () => {
    const innocent = { ...shared, maxRestarts: 0, maxRestartsWithoutProgress: 1, restartBackoff: '1h' } as const
    await using f = await fleet({ a: innocent, b: innocent })
    const pidOf = (name: string) => until(`${name} to have a cell`, () => f.agent(name).status().pid)
    expect(await pidOf('a')).toBe(await pidOf('b'))
    for (const life of [2, 3]) {
      process.kill(await pidOf('a'), 'SIGKILL')
      await f.lives('a', life)
      await f.lives('b', life)
    }
    expect(f.agent('a').status().lastExit?.cause).toMatchObject({ kind: 'cell_lost', collateral: true })
    // Twice within the window: each is alone by now, and the next one is its own fault.
    expect(await pidOf('a')).not.toBe(await pidOf('b'))
    process.kill(await pidOf('a'), 'SIGKILL')
    await until('a to be parked', () => f.agent('a').state === 'failed')
    expect(f.agent('b').status()).toMatchObject({ state: 'running', epoch: 3 })
  })
})
