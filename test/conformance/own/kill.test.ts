import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startTime } from '../../../packages/isolate/src/host/proc.ts'
import { type Fleet, fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const tiers = ['process', 'thread'] as const
const isGone = (pid: number | undefined): boolean => pid === undefined || startTime(pid) === undefined
const exitsOf = (f: Fleet, name: string) =>
  f.records.flatMap((record) =>
    record.type === 'incarnation.exited' && record.process === name ? [record.data.cause] : [],
  )

/** Gives it something to do and waits until it is at it. */
async function busyWith(f: Fleet, name: string, act: string, more: object = {}): Promise<void> {
  void f
    .agent(name)
    .run({ act, ...more })
    .catch(() => undefined)
  await until(`${name} to have begun`, () => f.agent(name).status().mailbox.open === 1)
}

describe.each(tiers)('%s', (isolation) => {
  test('stop_deadline_total_is_bounded: an agent that is stuck in native code is gone within its shown bound', async () => {
    await using f = await fleet({ a: { isolation, shutdownTimeout: '200ms' }, near: { isolation } })
    await busyWith(f, 'a', 'block')
    const { pid, stopBoundMs } = f.agent('a').status()
    expect(stopBoundMs).toBe(200 + 1_000 + 500 + 1_000)
    const stopped = f.agent('a').stop()
    await until('its cell to be gone', () => isGone(pid), stopBoundMs)
    await stopped
    expect(exitsOf(f, 'a')).toMatchObject([{ kind: 'wedged' }])
    expect(await f.agent('near').run()).toBe('here')
    expect(f.agent('near').status().restarts).toBe(isolation === 'thread' ? 1 : 0)
  })

  test('supervisor_exit_never_waits_for_wedged_thread', async () => {
    const f = await fleet({ a: { isolation, shutdownTimeout: '100ms' } })
    await busyWith(f, 'a', 'block')
    const { pid, stopBoundMs } = f.agent('a').status()
    const stopped = f[Symbol.asyncDispose]()
    await until('its cell to be gone', () => isGone(pid), stopBoundMs)
    await stopped
  })

  test('stop_during_backoff_is_immediate', async () => {
    await using f = await fleet({ a: { isolation, restartBackoff: '1h', stableAfter: '1h' } })
    await f.agent('a').enqueue({ act: 'exit' })
    await until('a to wait', () => f.agent('a').state === 'restarting')
    await f.agent('a').stop()
    expect(f.agent('a').status()).toMatchObject({ state: 'stopped', epoch: 1 })
  })

  test('kill_during_start: who hangs in its start is stopped within its bound', async () => {
    await using f = await fleet({ near: { isolation } })
    const entrypoint = new URL('../../fixtures/actor/endless-start.ts', import.meta.url)
    const spawned = f.supervisor.spawn({ name: 'a', entrypoint, isolation, shutdownTimeout: '100ms' })
    spawned.catch(() => undefined)
    const pid = await until(
      'a to have a cell',
      () =>
        f.supervisor
          .list()
          .find(({ name }) => name === 'a')
          ?.status().pid,
    )
    const { stopBoundMs, state } = f.agent('a').status()
    expect(state).toBe('starting')
    const stopped = f.agent('a').stop()
    await until('a to have stopped', () => f.agent('a').state === 'stopped', stopBoundMs)
    await stopped
    if (isolation === 'process') expect(isGone(pid)).toBe(true)
    expect(await f.agent('near').run()).toBe('here')
  })

  test('double_stop_idempotent', async () => {
    await using f = await fleet({ a: { isolation, shutdownTimeout: '100ms' } })
    await busyWith(f, 'a', 'forever')
    await Promise.all([f.agent('a').stop(), f.agent('a').stop()])
    await f.agent('a').stop()
    expect(exitsOf(f, 'a')).toHaveLength(1)
    expect(f.agent('a').state).toBe('stopped')
  })
})

describe('process', () => {
  test('thread_blocked_in_fifo_open_is_recovered_by_host_recycle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigil-fifo-'))
    try {
      const path = join(folder, 'fifo')
      execFileSync('mkfifo', [path])
      await using f = await fleet({ a: { permissions: { fsRead: [folder] }, heartbeatTimeout: '500ms' } })
      await expect(f.agent('a').run({ act: 'fifo', path })).rejects.toMatchObject({ code: 'TURN_FAILED' })
      expect(exitsOf(f, 'a')).toMatchObject([{ kind: 'heartbeat_lost' }, { kind: 'heartbeat_lost' }])
      expect(await f.agent('a').run()).toBe('here')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('agent_dies_when_supervisor_is_SIGKILLed, grandchildren_die_with_agent: all of them within a second', async () => {
    const program = fileURLToPath(new URL('../../fixtures/grandchild/program.ts', import.meta.url))
    const supervisor = spawn(process.execPath, ['--no-warnings', '--conditions=@vigil/source', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(supervisor.stdout, 'data')) as [Buffer]
    const { cell, grandchild } = JSON.parse(line.toString()) as { cell: number; grandchild: number }
    expect([isGone(cell), isGone(grandchild)]).toEqual([false, false])
    supervisor.kill('SIGKILL')
    await once(supervisor, 'close')
    await until('cell and grandchild to be gone', () => isGone(cell) && isGone(grandchild), 1_000)
  })
})
