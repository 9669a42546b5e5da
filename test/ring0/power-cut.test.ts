import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import { disk, judge, nth, ring0, simulatedFileSystem, type VirtualClock, virtualClock, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/** What docs/journal.md says that a power cut may take, with a disk that keeps nothing that was not synced. */
const open = (fileSystem: FileSystem, clock: VirtualClock): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data' })
const draft = (value: number): RecordDraft => ({
  process: 'a' as ProcessName,
  epoch: 1,
  type: 'state.patched',
  data: { set: { value }, by: 'operator' },
})
const longestMs = 5

async function keptAfter(ms: number): Promise<{ appended: number[]; found: JournalRecord[]; durable: number }> {
  const clock = virtualClock()
  const files = simulatedFileSystem()
  await files.makeDirectory('/data')
  await files.syncDirectory('/')
  const store = await open(files, clock)
  const appended: number[] = []
  let durable = 0
  for (let value = 0; value < ms; value += 1) {
    appended.push(clock.monotonic())
    store.append([draft(value)], 'lazy')
    if (value % 17 === 16) {
      await store.durable(store.lastSeq)
      durable = store.lastSeq
    }
    await clock.advance(1)
  }
  files.crash()
  const again = await open(files, clock)
  const found: JournalRecord[] = []
  await again.replay(0, (record) => void found.push(record))
  await again.close()
  const now = clock.monotonic()
  return { appended: appended.map((at) => now - at), found, durable }
}

test('a power cut takes of what nobody waits for the last 5 ms, and nothing that was acknowledged', async () => {
  let lost = 0
  for (let ms = 1; ms <= 60; ms += 1) {
    const { appended, found, durable } = await keptAfter(ms)
    expect(found.map(({ data }) => data)).toEqual(appended.slice(0, found.length).map((_, value) => draft(value).data))
    expect(found.length).toBeGreaterThanOrEqual(durable)
    expect(Math.max(0, ...appended.slice(found.length)), `power off after ${ms} ms`).toBeLessThanOrEqual(longestMs)
    lost += appended.length - found.length
  }
  expect(lost, 'some of it was not on the disk yet').toBeGreaterThan(0)
})

test.each([
  ['a request', (at: Moment) => at('effect.before_act', nth(1))],
  ['a request that was made', (at: Moment) => at('effect.acted', nth(1))],
])('a power cut never takes the intent of %s', async (_, when) => {
  const w = world({
    seed: 1,
    agents: {
      payer: {
        network: { allow: ['out'] },
        run: async (_event, ctx) => (await ctx.fetch('http://out/', { method: 'POST' })).status,
      },
    },
    onceOnly: () => true,
    faults: [when(ring0.cutPower().after)],
  })
  await w.until(() => w.settled, 10_000)
  void w.client.postEvent('payer', {})
  await w.run(60_000)
  expect(w.starts).toBe(2)
  expect(w.supervisor?.report.inDoubt).toBe(1)
  expect((await w.client.doubts()).doubts).toMatchObject([{ process: 'payer', kind: 'fetch' }])
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
  w.close()
})

test('a power cut never takes the leave of a step that may begin only once', async () => {
  let runs = 0
  const step = (): Promise<string> => {
    runs += 1
    w.faults.add(ring0.cutPower().at(1))
    return new Promise((done) => w.clock.setTimer(10_000, () => done('paid')))
  }
  const w = world({
    seed: 1,
    agents: { payer: { run: (_event, ctx) => ctx.step('pay', step, { once: true }) } },
    // So slow that a step which began without its leave would be ahead of it.
    faults: [disk.slow(100).between(14_000, 16_000)],
  })
  await w.until(() => w.settled, 10_000)
  await w.run(15_000 - w.clock.monotonic())
  void w.client.postEvent('payer', {})
  await w.run(60_000)
  expect([w.starts, runs]).toEqual([2, 1])
  expect((await w.client.doubts()).doubts).toMatchObject([{ process: 'payer', kind: 'step' }])
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
  w.close()
})

type Moment = ReturnType<typeof ring0.cutPower>['after']
