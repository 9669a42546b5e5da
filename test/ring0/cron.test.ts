import { cron } from '@vigil/supervisor'
import { judge, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** What cron does to a process, and a process to cron; what is fired and counted by which policy is fault test 13. */
let w: World
afterEach(() => w.close())

const long: WorldAgent['run'] = (_event, ctx) => ctx.sleep('1h')
const statusOf = (name: string) => w.supervisor?.get(name).status()

async function live(
  agents: Record<string, WorldAgent>,
  ...faults: Parameters<typeof world>[0]['faults'] & object
): Promise<void> {
  w = world({ seed: 1, agents, faults })
  expect(await w.until(() => w.settled, 60_000)).toBe(true)
  await w.run(60_000 - (w.clock.now() % 60_000) - 1_000)
}

async function end() {
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations).toEqual([])
  return log
}

test('cancel_other ends the turn and keeps the life; terminate_other ends the life too, and charges nobody', async () => {
  const every = (overlap: 'cancel_other' | 'terminate_other') => [cron('0 * * * * *', { overlap })]
  await live({
    gentle: { run: long, triggers: every('cancel_other') },
    hard: { run: long, triggers: every('terminate_other') },
  })
  const before = { gentle: statusOf('gentle')?.epoch, hard: statusOf('hard')?.epoch ?? 0 }
  // More than max_restarts within their window would park whoever is charged.
  await w.run(10 * 60_000)
  for (const name of ['gentle', 'hard'])
    expect(statusOf(name), name).toMatchObject({
      state: 'running',
      restarts: 0,
      counters: { accepted: 10, cancelled: 9, deadLettered: 0 },
      mailbox: { waiting: 0, open: 1 },
    })
  expect(statusOf('gentle')?.epoch).toBe(before.gentle)
  expect(statusOf('hard')?.epoch).toBe(before.hard + 9)
  await end()
})

test('allow_all gives each slot a lane of its own, beside those of the process', async () => {
  await live({ wide: { run: long, triggers: [cron('0 * * * * *', { overlap: 'allow_all' })] } })
  await w.run(5 * 60_000)
  expect(statusOf('wide')).toMatchObject({ counters: { accepted: 5 }, mailbox: { waiting: 0, open: 5 } })
  await end()
})

test('what was missed and skipped is counted, shown, and survives ring 0', async () => {
  await live({ slow: { run: long, triggers: [cron('0 * * * * *')] } }, ring0.kill.at(4 * 60_000))
  await w.run(4 * 60_000)
  expect(await w.until(() => w.starts === 2 && w.settled, 60_000)).toBe(true)
  await w.run(2_000)
  const [trigger] = statusOf('slow')?.triggers ?? []
  expect(trigger).toMatchObject({ missed: 0 })
  expect(trigger?.skipped).toBeGreaterThanOrEqual(2)
  expect((await w.client.process('slow')).triggers[0]).toMatchObject({ missed: 0, skipped: trigger?.skipped })
  await end()
})

test('slots that pass while a process is suspended or restarting are decided when it runs again', async () => {
  const triggers = [cron('*/10 * * * * *', { catchUp: 'none' })]
  await live({ a: { run: () => null, triggers } })
  const accepted = statusOf('a')?.counters.accepted ?? 0
  void w.supervisor?.get('a').suspend()
  await w.run(60_000)
  expect(statusOf('a')).toMatchObject({ state: 'suspended', counters: { accepted } })
  void w.supervisor?.get('a').resume()
  await w.run(500)
  expect(statusOf('a')).toMatchObject({ counters: { accepted }, triggers: [{ missed: 6 }] })
  await w.run(10_000)
  expect(statusOf('a')).toMatchObject({ counters: { accepted: accepted + 1 } })
  await end()
})

test('a trigger that was off has missed nothing', async () => {
  const agents = (enabled: boolean): Record<string, WorldAgent> => ({
    a: { run: () => null, triggers: [cron('*/10 * * * * *', { enabled })] },
  })
  const on = agents(true)
  await live(on)
  await w.run(30_000)
  const accepted = statusOf('a')?.counters.accepted
  Object.assign(on, agents(false))
  w.adopt('a')
  await w.run(600_000)
  expect(statusOf('a')?.counters.accepted).toBe(accepted)
  Object.assign(on, agents(true))
  w.adopt('a')
  await w.run(500)
  expect(statusOf('a')).toMatchObject({ counters: { accepted }, triggers: [{ missed: 0 }] })
  await end()
})
