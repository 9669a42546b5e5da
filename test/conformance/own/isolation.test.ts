import type { GuestSpec } from '@vigil/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { hostile, launch, launcher } from '../../../packages/isolate/fixtures/launch.ts'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

let cells = launcher()
afterEach(async () => {
  await cells.close()
  cells = launcher()
})

const echo = 'port.listen((text) => port.post(text))'
const collateral = { kind: 'cell_lost', collateral: true }

describe.each(['process', 'thread'] as const)('%s', (tier) => {
  const over = (process: string): Partial<GuestSpec> => ({
    process,
    ...(tier === 'thread' ? { trustGroup: 'team' } : {}),
  })

  // What no agent can reach is tried by a guest that kept node for itself, as one would that found a hole.
  test.each([
    [
      'close_all_fds',
      'for (let fd = 3; fd < 64; fd += 1) try { node("fs").closeSync(fd) } catch {}',
      expect.anything(),
    ],
    ['kill_own_pid', 'process.kill(process.pid, "SIGKILL")', { kind: 'signal', signal: 'SIGKILL' }],
    ['native_segfault', 'process.kill(process.pid, "SIGSEGV")', { kind: 'signal', signal: 'SIGSEGV' }],
  ])('%s ends its cell and nothing else', async (_name, act, cause) => {
    const far = launch(echo, { process: 'far' }, cells)
    const near = launch(echo, over('near'), cells)
    await Promise.all([far.started, near.started])
    const bad = launch('', { ...over('bad'), runtime: hostile(act) }, cells)
    expect(await bad.exited).toMatchObject(tier === 'thread' ? collateral : cause)
    if (tier === 'thread') expect(await near.exited).toMatchObject(collateral)
    for (const one of tier === 'thread' ? [far] : [far, near]) {
      one.guest.post('there?')
      expect(await one.next()).toBe('there?')
      expect(one.exits).toEqual([])
    }
  })

  test('set_v8_flags: an agent cannot; a guest that could does it to its own process', async () => {
    const denied = launch(`try { require('v8') } catch (error) { port.post(error.code) }`, over('denied'), cells)
    expect(await denied.next()).toBe('ERR_ACCESS_DENIED')
    const far = launch(echo, { process: 'far' }, cells)
    await far.started
    const able = launch(
      '',
      {
        ...over('able'),
        runtime: hostile('node("v8").setFlagsFromString("--stack-size=100"); parentPort.postMessage("set")'),
      },
      cells,
    )
    expect([await able.next(), await able.next()]).toEqual(['honest', 'set'])
    const deep = (n: number): number => (n === 0 ? 0 : 1 + deep(n - 1))
    expect(deep(5_000)).toBe(5_000)
    far.guest.post('there?')
    expect(await far.next()).toBe('there?')
  })

  test.each([
    ['unhandled_rejection', 'reject', { kind: 'error', message: 'nobody listens' }],
    ['exit_in_exit_hook', 'exit in an exit hook', { kind: 'exit_code' }],
  ])('%s ends the life of that agent alone', async (_name, act, cause) => {
    const spec = { isolation: tier, hibernateAfter: 0 } as const
    await using f = await fleet({ bad: spec, near: spec })
    void f
      .agent('bad')
      .run({ act })
      .catch(() => undefined)
    await until('the bad one to end', () =>
      f.records.some(({ type, process }) => type === 'incarnation.exited' && process === 'bad'),
    )
    const exit = f.records.find(({ type }) => type === 'incarnation.exited')
    expect(exit?.data).toMatchObject({ cause, charged: true })
    expect(await f.agent('near').run()).toBe('here')
    expect(f.agent('near').status().epoch).toBe(1)
  })
})
