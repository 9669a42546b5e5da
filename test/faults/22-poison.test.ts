import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/** Fault test 22: an event takes its worker down each time, also when the supervisor dies in between. */
const tiers = ['process', 'thread'] as const
const crashing = `export default async function run(event, ctx) {
  if (event.payload.act === 'exit') {
    await ctx.step('before the end', () => 1)
    process.exit(3)
  }
  return 'well-behaved'
}
`

let folder: string
let daemon: Daemon
let said = ''
const start = async (): Promise<void> => {
  daemon = await startDaemon(join(folder, 'data'), [folder])
}
const kill = async (signal: NodeJS.Signals): Promise<void> => {
  daemon.child.kill(signal)
  await daemon.exited
  said += daemon.output()
}
beforeEach(async () => {
  said = ''
  folder = mkdtempSync(join(tmpdir(), 'vigil-poison-'))
  for (const tier of tiers) {
    const rules = 'restart_backoff: 500ms\nmax_restarts: 100\nmax_restarts_without_progress: 100'
    writeFileSync(
      join(folder, `${tier}.agent`),
      `name: ${tier}\nentrypoint: ./${tier}.mjs\nisolation: ${tier}\n${rules}\n`,
    )
    writeFileSync(join(folder, `${tier}.mjs`), crashing)
  }
  await start()
})
afterEach(async () => {
  await kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

const post = async (name: string, act: string, query = '') =>
  (await daemon.call('POST', `/processes/${name}/events${query}`, { act }, { 'idempotency-key': act })).body
const entries = async (name: string, type: string) =>
  (await daemon.call('GET', `/processes/${name}/journal?type=${type}`)).body['entries'] as {
    turn?: string
    data: Record<string, unknown>
  }[]

test.each(tiers)(
  'fault 22: what takes a %s down twice is a dead letter with one alert, and the next goes on',
  async (tier) => {
    const { event_id } = (await post(tier, 'exit')) as { event_id: string }
    await until('the first crash', async () => (await entries(tier, 'incarnation.exited')).length > 0)
    // Its death is charged to nobody: neither does it count as a crash of the agent, nor is a crash forgotten for it.
    await kill('SIGKILL')
    await start()
    const letters = async () =>
      (await daemon.call('GET', `/processes/${tier}/dead-letters`)).body['dead_letters'] as Record<string, unknown>[]
    await until('the dead letter', async () => (await letters()).length > 0)
    expect(await post(tier, 'behave', '?wait=30s')).toMatchObject({ status: 'completed', result: 'well-behaved' })
    await kill('SIGKILL')
    await start()

    expect(await letters()).toMatchObject([{ event_id, reason: 'poison' }])
    expect(await entries(tier, 'turn.dead_lettered')).toMatchObject([{ data: { event_id, reason: 'poison' } }])
    const charged = (await entries(tier, 'incarnation.exited')).filter(({ data }) => data['charged'] === true)
    expect(charged).toHaveLength(2)
    expect((await daemon.call('GET', `/processes/${tier}`)).body).toMatchObject({
      counters: { accepted: 2, completed: 1, dead_lettered: 1 },
    })
    await kill('SIGTERM')
    expect(said.match(/is a dead letter/g), said).toHaveLength(1)
    await start()
  },
)
