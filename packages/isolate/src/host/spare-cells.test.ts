import { afterEach, expect, test } from 'vitest'
import { bundleOf } from '../../fixtures/bundle.ts'
import { launch, launcher, runtime } from '../../fixtures/launch.ts'
import { startedCells } from '../../fixtures/started-cells.ts'

const echo = 'port.listen((text) => port.post(text))'
let cells = launcher()
afterEach(() => cells.close())

test('a guest gets the cell that stands ready, and another takes its place', async () => {
  cells = launcher({ spares: { count: 1, runtime } })
  const [spare] = await startedCells(1)
  const guest = launch(echo, {}, cells)
  expect((await guest.started).pid).toBe(spare)
  guest.guest.post('there?')
  expect(await guest.next()).toBe('there?')
  const now = await startedCells(2)
  expect(now).toContain(spare)
})

test('a shared cell keeps a thread ready for the next of its group', async () => {
  cells = launcher({ spares: { count: 1, runtime } })
  const [spare] = await startedCells(1)
  const names = ['a', 'b', 'c']
  for (const name of names) {
    const guest = launch(echo, { process: name, trustGroup: 'team' }, cells)
    expect((await guest.started).pid).toBe(spare)
    guest.guest.post(name)
    expect(await guest.next()).toBe(name)
  }
})

test.each([
  ['another runtime', { runtime: bundleOf('require("node:worker_threads").parentPort.postMessage("other")') }, 'other'],
  ['more memory than the spare was started with', { memoryMb: 2_000 }, undefined],
])('a thread that stands ready is no use for %s', async (_name, over, says) => {
  cells = launcher({ spares: { count: 1, runtime } })
  await startedCells(1)
  const guest = launch(`port.post('own')`, over, cells)
  expect(await guest.next()).toBe(says ?? 'own')
})

test('a spare that dies unused is replaced', async () => {
  cells = launcher({ spares: { count: 1, runtime } })
  const [spare = 0] = await startedCells(1)
  process.kill(-spare, 'SIGKILL')
  const [next] = await startedCells(1, spare)
  expect(next).not.toBe(spare)
  const guest = launch(echo, {}, cells)
  expect((await guest.started).pid).toBe(next)
})
