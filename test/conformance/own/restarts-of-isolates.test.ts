import { describe, expect, test } from 'vitest'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const fixture = (name: string) => new URL(`../../fixtures/actor/${name}.ts`, import.meta.url)

describe.each(['process', 'thread'] as const)('%s', (isolation) => {
  test('crash_after_ready_counts, crash_1100ms_after_start_counts, crash_loop_is_logged_each_time: a loop is parked, however slow', async () => {
    await using f = await fleet({ near: { isolation } })
    await f.supervisor.spawn({
      name: 'a',
      entrypoint: fixture('dies-later'),
      isolation,
      maxRestarts: 2,
      restartBackoff: 0,
    })
    await until('a to be parked', () => f.agent('a').state === 'failed')
    // Records are told when they are durable; reading makes them so.
    await f.agent('a').journal({ limit: 1 })
    const exits = f.records.filter((record) => record.type === 'incarnation.exited' && record.process === 'a')
    expect(exits.map((record) => record.data)).toMatchObject([
      { cause: { kind: 'exit_code', code: 1 }, restart_in_ms: 0 },
      { cause: { kind: 'exit_code', code: 1 }, restart_in_ms: 0 },
      { cause: { kind: 'exit_code', code: 1 } },
    ])
    expect(f.reports.filter(({ offender }) => offender.id === 'a').map(({ context }) => context)).toEqual([
      'child_terminated',
      'child_terminated',
      'child_terminated',
      'shutdown',
    ])
    expect(f.agent('near').status()).toMatchObject({ state: 'running', restarts: 0 })
  })

  test('bootstrap_failure_not_sticky: code that cannot start parks its agent, and better code runs', async () => {
    await using f = await fleet({})
    const spec = { name: 'a', isolation, maxRestarts: 1, restartBackoff: 0 } as const
    await expect(f.supervisor.spawn({ ...spec, entrypoint: fixture('cannot-start') })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringContaining('more than 1 restarts'),
    })
    const agent = await f.supervisor.spawn({ ...spec, entrypoint: fixture('actor') })
    expect(await agent.run()).toBe('here')
  })
})
