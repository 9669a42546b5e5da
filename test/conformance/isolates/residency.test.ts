import { expect, test } from 'vitest'
import { fleet } from '../../support/fleet.ts'
import { until } from '../../support/until.ts'

const resident = (f: Awaited<ReturnType<typeof fleet>>, name: string) => f.agent(name).status().residency

test.each(['process', 'thread'] as const)(
  '%s: an idle agent leaves no thread behind, and the next event wakes it',
  async (isolation) => {
    await using f = await fleet({ a: { isolation, hibernateAfter: '100ms' } })
    const first = f.agent('a').status()
    await until('a to hibernate', () => resident(f, 'a') === 'hibernated')
    expect(f.agent('a').status()).toMatchObject({ state: 'running', restarts: 0 })
    expect(f.agent('a').status().pid).toBeUndefined()
    await until('its cell to be gone', () => isGone(first.pid ?? 0))
    expect(await f.agent('a').run()).toBe('here')
    expect(f.agent('a').status()).toMatchObject({ epoch: first.epoch + 1 })
  },
)

test('the first life of new code comes up at once, also when its process sleeps', async () => {
  await using f = await fleet({ a: { hibernateAfter: '100ms' } })
  await until('a to hibernate', () => resident(f, 'a') === 'hibernated')
  const entrypoint = new URL('../../fixtures/actor/second.ts', import.meta.url)
  const { manifest } = { manifest: { name: 'a', entrypoint, hibernateAfter: '100ms' } }
  await f.supervisor.spawn(manifest)
  await until(
    'the new code to have come up',
    () => f.records.filter(({ type }) => type === 'agent.described').length === 2,
  )
  expect(await f.agent('a').run()).toBe('here, too')
})

test('a supervisor that starts again leaves an agent without work asleep, and what it watches armed', async () => {
  const f = await fleet({ a: { triggers: [{ type: 'event', eventType: 'news' }] } })
  await f.restart()
  expect(f.agent('a').status()).toMatchObject({ state: 'running', residency: 'hibernated' })
  await f.supervisor.publish('news', {})
  await until('a to have handled it', () => f.agent('a').status().counters.completed === 1)
  await f[Symbol.asyncDispose]()
})

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
