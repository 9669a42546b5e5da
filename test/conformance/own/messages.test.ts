import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { JournalRecord } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { launch, launcher } from '../../../packages/isolate/fixtures/launch.ts'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const message = { triggers: [{ type: 'message' }] } as const

describe.each(['process', 'thread'] as const)('%s', (isolation) => {
  test('late_message_of_old_incarnation_dropped: whatever it still had to say', async () => {
    const cells = launcher()
    const shared = isolation === 'thread' ? { trustGroup: 'team' } : {}
    const near = launch('port.post("in")', { process: 'near', ...shared }, cells)
    await near.next()
    const chatty = launch(
      'const say = () => { for (let k = 0; k < 1e3; k += 1) port.post("still here"); setImmediate(say) }; say()',
      shared,
      cells,
    )
    await chatty.next()
    chatty.guest.kill({ kind: 'failures', count: 3 })
    expect(await chatty.exited).toEqual({ kind: 'failures', count: 3 })
    const heard = chatty.heard.length
    const after = launch('port.post("next life")', { epoch: 2, ...shared }, cells)
    expect(await after.next()).toBe('next life')
    expect([chatty.heard.length, chatty.exits.length]).toEqual([heard, 1])
    await cells.close()
  })

  test('pending_calls_settle_on_exit_with_cause: whoever waits for a turn that kills its agent is told so', async () => {
    await using f = await fleet({ a: { isolation } })
    await expect(f.agent('a').run({ act: 'exit' })).rejects.toMatchObject({
      code: 'TURN_FAILED',
      details: { error: { code: 'CRASHED_TWICE' } },
    })
  })

  test('pending calls settle when the supervisor ends', async () => {
    const f = await fleet({ a: { isolation, shutdownTimeout: '50ms' } })
    const run = f.agent('a').run({ act: 'forever' })
    const settled = expect(run).rejects.toMatchObject({ code: 'STOPPING' })
    await until('the turn to begin', () => f.agent('a').status().mailbox.open === 1)
    await f[Symbol.asyncDispose]()
    await settled
  })

  test('inbox_full_rejects_sender_without_failing_sender', async () => {
    await using f = await fleet({ full: { isolation, ...message, mailbox: { max: 2 } }, sender: { isolation } })
    await f.agent('full').suspend()
    expect(await f.agent('sender').run({ act: 'send', whom: 'full', count: 4 })).toEqual([
      'sent',
      'sent',
      'MAILBOX_FULL',
      'MAILBOX_FULL',
    ])
    expect(f.agent('sender').status()).toMatchObject({ state: 'running', epoch: 1 })
    await f.agent('full').resume()
    await until('full to have caught up', () => f.agent('full').status().counters.completed === 2)
  })

  test('slow_subscriber_does_not_delay_bus', async () => {
    const subscriber = { isolation, triggers: [{ type: 'event', eventType: 'news' }] } as const
    await using f = await fleet({ slow: { ...subscriber, shutdownTimeout: '50ms' }, quick: subscriber })
    await f.agent('slow').enqueue({ act: 'forever' })
    await until('slow to be at it', () => f.agent('slow').status().mailbox.open === 1)
    for (let k = 0; k < 20; k += 1) await f.supervisor.publish('news', { k })
    await until('quick to have heard all', () => f.agent('quick').status().counters.completed === 20)
    expect(f.agent('slow').status().mailbox).toMatchObject({ waiting: 20, open: 1 })
  })

  test('DOWN_exactly_once, monitor_of_dead_gives_noproc', async () => {
    await using f = await fleet({ watcher: { isolation, concurrency: 2 }, a: { isolation, hibernateAfter: 0 } })
    const down = f.agent('watcher').run({ act: 'monitor', whom: 'a' })
    const isWatch = (record: JournalRecord): boolean =>
      record.type === 'effect.intended' && record.data.kind === 'monitor'
    await until('the watch to be on record', async () =>
      (await f.agent('watcher').journal({ limit: 10 })).records.some(isWatch),
    )
    await f.agent('a').enqueue({ act: 'exit' })
    expect(await down).toMatchObject({ process: 'a', epoch: 1, cause: { kind: 'exit_code', code: 3 } })
    await until('a to give up', () => f.agent('a').status().counters.deadLettered === 1)
    await f.agent('a').stop()
    expect(await f.agent('watcher').run({ act: 'monitor', whom: 'a' })).toEqual({
      process: 'a',
      cause: { kind: 'noproc' },
    })
    const outcomes = f.records.filter((record) => record.type === 'effect.completed' && record.data.kind === 'monitor')
    expect(outcomes).toHaveLength(2)
  })

  test('flood_does_not_grow_supervisor_rss', async () => {
    const program = fileURLToPath(new URL('../../fixtures/flood/program.ts', import.meta.url))
    const supervisor = spawn(process.execPath, ['--no-warnings', '--conditions=@vigil/source', program, isolation], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(supervisor.stdout, 'data')) as [Buffer]
    await once(supervisor, 'close')
    const { floodMb, grownMb } = JSON.parse(line.toString()) as { floodMb: number; grownMb: number }
    expect(floodMb).toBeGreaterThanOrEqual(200)
    expect(grownMb).toBeLessThan(100)
  })
})
