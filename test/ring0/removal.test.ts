import { judge, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

test('a name that was removed is taken again, and its lives are counted on', async () => {
  w = world({ seed: 1, agents: { a: { run: () => 'done' } }, faults: [], adopts: false })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  const there = () => w.supervisor?.list().some(({ name }) => name === 'a') === true
  void w.supervisor?.get('a').remove()
  expect(await w.until(() => !there(), 60_000), 'the agent to go').toBe(true)
  w.adopt('a')
  const isUp = () => there() && w.supervisor?.get('a').state === 'running'
  expect(await w.until(isUp, 60_000), 'the agent to come').toBe(true)
  expect(w.supervisor?.get('a').status()).toMatchObject({ revision: 1, epoch: 2 })
  w.kill()
  expect(await w.until(() => w.settled && isUp(), 60_000), 'ring 0 to come back').toBe(true)
  expect(w.supervisor?.get('a').status()).toMatchObject({ revision: 1 })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})
