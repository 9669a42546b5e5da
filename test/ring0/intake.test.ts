import { cron, fileWatch } from '@vigil/supervisor'
import { judge, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** What a trigger does not take leaves no event, only a count; for good. */
let w: World
afterEach(() => w.close())

test('a filter and `enabled: false` decide before an event is accepted', async () => {
  const run = () => 'done'
  w = world({
    seed: 1,
    agents: {
      files: { run, triggers: [fileWatch('/in', { existing: 'deliver', filter: "payload.filename starts_with 'a'" })] },
      slots: { run, triggers: [cron('*/10 * * * * *', { filter: "payload.scheduled_time contains ':30.'" })] },
      off: { run, triggers: [cron('* * * * * *', { enabled: false })] },
    },
  })
  const triggerOf = (name: string) => w.supervisor?.get(name).status().triggers[0]
  const completed = (name: string) => w.supervisor?.get(name).status().counters.completed
  await w.until(() => w.settled, 60_000)
  for (const name of ['a1', 'b1', 'b2']) w.files.put(`/in/${name}`, name)
  await w.run(120_000)
  expect([completed('files'), triggerOf('files')?.refused]).toEqual([1, { filter: 2 }])
  expect(completed('slots')).toBe(2)
  expect(triggerOf('slots')?.refused).toEqual({ filter: 10 })
  expect([completed('off'), triggerOf('off')]).toMatchObject([0, { type: 'cron' }])
  expect(triggerOf('off')).not.toHaveProperty('nextFire')

  // A file that was refused is on record as seen: the next life does not look at it again.
  await w.supervisor?.get('files').restart()
  await w.run(10_000)
  expect([completed('files'), triggerOf('files')?.refused]).toEqual([1, { filter: 2 }])
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})
