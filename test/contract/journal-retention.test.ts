import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalDamage, JournalStore } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { all, draft, segments } from './journal-store-subjects.ts'

const clock = virtualClock()
const retention = { bytes: 2_000 }
const open = (fileSystem: FileSystem, keep: { bytes?: number; ageMs?: number } = retention): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 600, retention: keep })

async function write(store: JournalStore, count: number): Promise<void> {
  for (let each = 0; each < count; each += 1) {
    store.append([draft(each % 3 === 0 ? 'b' : 'a', each)], 'durable')
    await store.durable(store.lastSeq)
  }
}

const round = (store: JournalStore, seq = store.lastSeq): Promise<void> =>
  store.saveCheckpoint({ seq, at: seq, rows: new Map([['a', Uint8Array.of(1)]]) })

async function prepared(now?: () => number): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem(now === undefined ? {} : { now })
  await disk.makeDirectory('/data')
  return disk
}

const firsts = async (disk: SimulatedFileSystem): Promise<number[]> =>
  (await segments(disk)).map((path) => Number(/(\d+)\.jsonl/.exec(path)?.[1]))

describe('old segments', () => {
  test('go when all are too large, but never one that the two kept rounds need', async () => {
    const disk = await prepared()
    const store = await open(disk)
    await write(store, 40)
    await round(store, 20)
    expect((await firsts(disk))[0], 'one round alone needs everything').toBe(1)
    await write(store, 20)
    await round(store)
    const [oldest = 0, second = 0] = await firsts(disk)
    expect(oldest).toBeGreaterThan(1)
    expect(oldest).toBeLessThanOrEqual(21)
    expect(second).toBeGreaterThan(21)
    await write(store, 10)
    await round(store)
    const kept = await firsts(disk)
    let bytes = 0
    for (const path of await segments(disk)) bytes += (await disk.stat(path))?.size ?? 0
    expect(bytes).toBeLessThan(2_000 + 2 * 1_048_576)
    const names = await disk.readDirectory('/data/journal')
    expect(
      names.filter((name) => name.endsWith('.idx')).every((name) => Number(name.slice(0, 16)) >= (kept[0] ?? 0)),
    ).toBe(true)
    const page = await store.page({ process: 'a', limit: 1_000 })
    expect(page.damaged).toEqual([])
    expect(page.records.at(-1)?.seq).toBeGreaterThanOrEqual(kept[0] ?? 0)
    expect((await store.tail(0, 1)).records[0]?.seq).toBe(kept[0])
    await store.close()
    const again = await open(disk)
    expect((await again.loadCheckpoint())?.seq).toBe(70)
    expect(again.append([draft('a')], 'lazy')[0]?.seq).toBe(71)
    await again.close()
  })

  test('go when their newest record is too old', async () => {
    let now = 1_000
    const disk = await prepared(() => now)
    const aged = () =>
      openFileStore({
        fileSystem: disk,
        clock: { ...clock, now: () => now },
        directory: '/data',
        segmentBytes: 600,
        retention: { ageMs: 5_000 },
      })
    const store = await aged()
    await write(store, 20)
    await round(store)
    now = 5_000
    await write(store, 20)
    await round(store)
    expect((await firsts(disk))[0], 'not yet').toBe(1)
    now = 8_000
    await write(store, 1)
    await round(store)
    const [oldest = 0] = await firsts(disk)
    expect(oldest).toBeGreaterThan(10)
    expect(oldest).toBeLessThanOrEqual(21)
    await store.close()
  })

  test('stay without retention', async () => {
    const disk = await prepared()
    const store = await open(disk, {})
    await write(store, 60)
    await round(store, 30)
    await round(store)
    expect((await firsts(disk))[0]).toBe(1)
    await store.close()
  })
})

test('power that goes off after any operation of sealing, rounds and retention leaves a log that opens and pages whole', {
  timeout: 60_000,
}, async () => {
  const live = async (disk: SimulatedFileSystem): Promise<number> => {
    let acknowledged = 0
    try {
      const store = await open(disk, { bytes: 1_200 })
      store.onFlush((seq) => {
        acknowledged = seq
      })
      for (let each = 0; each < 4; each += 1) {
        await write(store, 6)
        await round(store)
      }
      await store.close()
    } catch {
      // The power went off.
    }
    return acknowledged
  }
  const whole = await prepared()
  await live(whole)
  const needed = whole.operations()
  for (let operations = 0; operations <= needed; operations += 1) {
    for (const loss of [
      {},
      { keepNames: true },
      { keepBytes: 200, keepNames: true },
      { keepNames: (path: string) => path.endsWith('.idx') },
    ]) {
      const disk = await prepared()
      disk.cutPower({ operations })
      const acknowledged = await live(disk)
      disk.crash(loss)
      const why = `power off after ${operations} of ${needed}, ${JSON.stringify(loss)}`
      const store = await open(disk, {})
      expect(store.lastSeq, why).toBeGreaterThanOrEqual(acknowledged)
      const oldest = (await firsts(disk))[0] ?? 0
      const tail = await store.tail(0, 1_000)
      expect(tail.damaged, why).toEqual([])
      expect(
        tail.records.map(({ seq }) => seq),
        why,
      ).toEqual(Array.from({ length: store.lastSeq - oldest + 1 }, (_, index) => oldest + index))
      expect((await store.page({ process: 'a', limit: 100 })).records.length, why).toBe(
        tail.records.filter(({ process }) => process === 'a').length,
      )
      expect(await all(store, (await store.loadCheckpoint())?.seq ?? 0), why).toHaveLength(
        store.lastSeq - ((await store.loadCheckpoint())?.seq ?? 0),
      )
      await store.close()
    }
  }
  expect(needed).toBeGreaterThan(60)
})

describe('the slow look through the log', () => {
  const scrubbing = (disk: FileSystem) =>
    openFileStore({
      fileSystem: disk,
      clock,
      directory: '/data',
      segmentBytes: 600,
      scrub: { everyMs: 10_000, pauseMs: 100 },
    })

  test('finds each damaged segment once, goes on behind it, and leaves no timer', async () => {
    const disk = await prepared()
    const before = await open(disk, {})
    await write(before, 30)
    await round(before)
    await before.close()
    const paths = await segments(disk)
    for (const index of [1, 3]) {
      const handle = await disk.open(paths[index] as string, 'write')
      handle.write(Uint8Array.of(0), 200)
      await handle.close()
    }
    const store = await scrubbing(disk)
    const damages: JournalDamage[] = []
    store.onDamage((damage) => damages.push(damage))
    await clock.advance(9_999)
    expect(damages).toEqual([])
    await clock.advance(30_000)
    expect(damages.map(({ segment }) => `/data/journal/${segment}`)).toEqual([paths[1], paths[3]])
    expect(damages[0]?.offset).toBeGreaterThan(0)
    const page = await store.page({ process: 'a', limit: 100 })
    expect(page.damaged).toHaveLength(2)
    expect(page.records.length).toBeGreaterThan(10)
    await clock.advance(10_000)
    await store.close()
    expect(clock.pending()).toBe(0)
    expect(disk.openHandles()).toBe(0)
  })

  test('reads a piece, then waits, and ends in the middle when the log is closed', async () => {
    const disk = await prepared()
    const before = await openFileStore({ fileSystem: disk, clock, directory: '/data', segmentBytes: 1_000_000 })
    for (let each = 0; each < 12; each += 1) before.append([draft('a', 'x'.repeat(100_000))], 'durable')
    await before.durable(12)
    before.append([draft('a')], 'durable')
    await before.close()
    let read = 0
    const counting: FileSystem = {
      ...disk,
      open: async (path, mode) => {
        const handle = await disk.open(path, mode)
        return {
          ...handle,
          read: (target, position) => {
            read += target.byteLength
            return handle.read(target, position)
          },
        }
      },
    }
    const store = await scrubbing(counting)
    read = 0
    await clock.advance(10_000)
    expect(read).toBe(262_144)
    await clock.advance(100)
    expect(read).toBe(2 * 262_144)
    await store.close()
    expect(clock.pending()).toBe(0)
  })
})
