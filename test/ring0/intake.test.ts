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

test('what a program does with an object after it gave it changes nothing', async () => {
  w = world({
    seed: 1,
    agents: {
      echo: {
        triggers: [{ type: 'event', eventType: 'notes' }],
        run: (event, ctx) => ctx.state.set(event.type, event.payload),
      },
    },
  })
  await w.until(() => w.settled, 60_000)
  const given = { n: 1 }
  const echo = w.supervisor?.get('echo')
  const all = [echo?.enqueue(given), w.supervisor?.publish('notes', given), echo?.patchContext({ patched: given })]
  given.n = 2
  await w.run(10_000)
  await Promise.all(all)
  const { state } = await w.client.context('echo')
  expect(state).toMatchObject({ manual: { n: 1 }, event: { data: { n: 1 } }, patched: { n: 1 } })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})
