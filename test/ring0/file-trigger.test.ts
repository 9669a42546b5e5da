import type { AgentContext, AgentEvent } from '@vigil/agent'
import { fileWatch, type TriggerSpec } from '@vigil/supervisor'
import { judge, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** What a file trigger promises of folders, across lives of ring 0, and when there is no room. */
let w: World
afterEach(() => w.close())

const run = (event: AgentEvent, ctx: AgentContext) => {
  const { filename, event_type, size } = event.payload as { filename: string; event_type: string; size: number }
  ctx.state.append('seen', `${event_type} ${filename} ${size}`)
}
const start = async (trigger: TriggerSpec) => {
  w = world({ seed: 1, agents: { a: { run, triggers: [trigger] } } })
  await w.until(() => w.settled, 60_000)
}
const status = () => w.supervisor?.get('a').status()
const seen = async () => (await w.supervisor?.get('a').context())?.state.seen ?? []
const ended = async () => {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

test('what came, changed and went while Vigil was down is delivered when it is back', async () => {
  await start(fileWatch('/in/*.csv', { events: ['created', 'modified', 'deleted'] }))
  w.files.put('/in/stays.csv', 'x')
  w.files.put('/in/goes.csv', 'x')
  await w.run(5_000)
  w.kill()
  w.files.put('/in/new.csv', 'xyz')
  w.files.put('/in/stays.csv', 'xy')
  w.files.remove('/in/goes.csv')
  w.files.put('/in/other.txt', '')
  await w.until(() => w.settled, 60_000)
  await w.run(20_000)
  expect((await seen()) as string[]).toEqual([
    'created stays.csv 1',
    'created goes.csv 1',
    'deleted goes.csv 1',
    'created new.csv 3',
    'modified stays.csv 2',
  ])
  await ended()
})

test('what stood there before the first start is ignored, and its count is told', async () => {
  await start(fileWatch('/nothing'))
  for (const name of ['a', 'b', 'c']) w.files.put(`/in/${name}`, name)
  const lines: string[] = []
  w.supervisor?.on('log', ({ message }) => lines.push(message))
  void w.supervisor?.get('a').addTrigger({ type: 'file_watch', watch_path: '/in' })
  await w.run(10_000)
  expect(lines).toEqual(['3 files that stand in /in already are not delivered (existing: ignore)'])
  void w.supervisor
    ?.get('a')
    .addTrigger({ type: 'file_watch', watch_path: '/in', recursive: true, existing: 'deliver' })
  await w.run(10_000)
  expect(status()?.counters.completed).toBe(3)
  await ended()
})

test('a file that is still written when Vigil starts is told once, when it stands still', async () => {
  await start(fileWatch('/in', { existing: 'deliver', debounce: '2s' }))
  w.kill()
  w.files.put('/in/slow', 1)
  await w.until(() => w.settled, 60_000)
  for (let size = 2; size < 9; size += 1) {
    w.files.put('/in/slow', size)
    await w.run(1_000)
  }
  await w.run(20_000)
  expect(await seen()).toEqual(['created slow 8'])
  await ended()
})

test('more files than the mailbox takes wait in the folder, and trouble is told once', async () => {
  const slow = async (event: AgentEvent, ctx: AgentContext) => {
    await ctx.sleep('2s')
    run(event, ctx)
  }
  w = world({ seed: 1, agents: { a: { run: slow, triggers: [fileWatch('/in')], mailbox: { max: 5 } } } })
  await w.until(() => w.settled, 60_000)
  const lines: string[] = []
  w.supervisor?.on('log', ({ message }) => lines.push(message))
  for (let k = 0; k < 40; k += 1) w.files.put(`/in/${k}`, k)
  await w.run(10_000)
  expect(status()?.counters.accepted).toBeLessThan(20)
  expect(status()?.triggers[0]?.lastFailure?.message).toContain('holds 5 events')
  await w.run(15 * 60_000)
  expect(new Set((await seen()) as string[]).size).toBe(40)
  expect(status()?.counters).toMatchObject({ accepted: 40, completed: 40 })
  expect(lines).toHaveLength(1)
  await ended()
})

test('a folder of two thousand new files at once costs no flush for each', async () => {
  await start(fileWatch('/in', { existing: 'deliver' }))
  w.kill()
  for (let k = 0; k < 2_000; k += 1) w.files.put(`/in/${k}`, 1)
  await w.until(() => w.settled, 60_000)
  await w.until(() => status()?.counters.accepted === 2_000, 60_000)
  expect(status()?.counters.accepted).toBe(2_000)
  const names = await w.disk.readDirectory('/data/journal')
  const text = await Promise.all(
    names.filter((each) => each.endsWith('.jsonl')).map((each) => w.disk.readFile(`/data/journal/${each}`)),
  )
  const lines = text.flatMap((bytes) => new TextDecoder().decode(bytes).split('\n'))
  const flushes = lines.filter((line) => line.includes('"type":"trigger.accepted"') && line.includes('"flush":true'))
  expect(flushes.length).toBeLessThan(200)
  await ended()
})

test('a watch that breaks is told, and nothing that came meanwhile is lost', async () => {
  await start(fileWatch('/in'))
  w.files.fail(new Error('the watch broke'))
  w.files.put('/in/a', 'x')
  await w.run(30_000)
  expect(await seen()).toEqual(['created a 1'])
  expect(status()?.triggers[0]?.lastFailure?.message).toBe('the watch broke')
  await ended()
})
