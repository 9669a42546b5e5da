import { openFileStore, planRepair, repairLog, verifyLog } from '@vigil/journal'
import type { FileSystem, JournalDamage, JournalRecord, JournalStore, PageQuery, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { all, draft } from './journal-store-subjects.ts'

const clock = virtualClock()
const open = (fileSystem: FileSystem): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 1_500 })

const processes = ['a', 'b', 'ü "\n', 'rare']
const types = ['state.patched', 'turn.completed', 'process.removed'] as const

/** Some processes speak often, one hardly ever; turns come and go. */
const mixed = (count: number): RecordDraft[] =>
  Array.from({ length: count }, (_, index) => ({
    ...draft(index % 41 === 7 ? 'rare' : (processes[(index * 7) % 3] as string), index),
    type: types[index % 5 === 0 ? index % 3 : 0],
    ...(index % 4 === 3 ? {} : { turn: `t${Math.floor(index / 9)}` }),
  })) as RecordDraft[]

async function written(count: number): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data')
  const store = await open(disk)
  for (const each of mixed(count)) {
    store.append([each], 'durable')
    await store.durable(store.lastSeq)
  }
  await store.close()
  return disk
}

const sidecars = async (disk: SimulatedFileSystem): Promise<string[]> =>
  (await disk.readDirectory('/data/journal'))
    .filter((name) => name.endsWith('.idx'))
    .map((name) => `/data/journal/${name}`)

const query: fc.Arbitrary<PageQuery> = fc.record(
  {
    process: fc.constantFrom(...processes, 'none'),
    limit: fc.integer({ min: 1, max: 30 }),
    order: fc.constantFrom('newest_first', 'oldest_first'),
    type: fc.constantFrom(...types, 'runtime.started'),
    turn: fc.integer({ min: 0, max: 40 }).map((turn) => `t${turn}`),
    before: fc.integer({ min: 0, max: 130 }),
    after: fc.integer({ min: 0, max: 130 }),
  },
  { requiredKeys: ['process', 'limit'] },
)

/** What a page is by looking at every record. */
function plainly(log: readonly JournalRecord[], { limit, order, process, type, turn, before, after }: PageQuery) {
  const found = log.filter(
    (record) =>
      record.process === process &&
      (type === undefined || record.type === type) &&
      (turn === undefined || record.turn === turn) &&
      (before === undefined || record.n < before) &&
      (after === undefined || record.n > after),
  )
  return (order === 'oldest_first' ? found : found.reverse()).slice(0, limit)
}

async function write(disk: SimulatedFileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await disk.open(path, 'write')
  await handle.truncate(0)
  handle.write(bytes, 0)
  await handle.close()
}

/** Every page is as it should be, and nobody was told of damage. */
async function expectPages(store: JournalStore, queries: readonly PageQuery[], why: string): Promise<void> {
  const damages: JournalDamage[] = []
  store.onDamage((damage) => damages.push(damage))
  const log = await all(store)
  for (const each of queries)
    expect(await store.page(each), `${why}: ${JSON.stringify(each)}`).toEqual({
      records: plainly(log, each),
      damaged: [],
    })
  expect(damages, why).toEqual([])
}

describe('pages through indexes are pages by looking at every record', () => {
  const queries = fc.sample(query, { numRuns: 150, seed: 1 })

  test('while the log is written, and after it is opened again', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const store = await open(disk)
    for (const [index, each] of mixed(120).entries()) {
      store.append([each, ...(index % 7 === 0 ? [draft('b', 'second')] : [])], 'durable')
      await store.durable(store.lastSeq)
      if (index % 10 === 0) await expectPages(store, queries.slice(0, 12), `after ${index}`)
    }
    await expectPages(store, queries, 'written')
    await store.close()
    expect((await sidecars(disk)).length).toBeGreaterThan(5)
    const again = await open(disk)
    await expectPages(again, queries, 'opened again')
    await again.close()
  })

  test('without sidecars, which are written anew', async () => {
    const disk = await written(120)
    const paths = await sidecars(disk)
    const before = await Promise.all(paths.map((path) => disk.readFile(path)))
    for (const path of paths) await disk.remove(path)
    const store = await open(disk)
    await expectPages(store, queries, 'without sidecars')
    await store.close()
    expect(await Promise.all(paths.map((path) => disk.readFile(path)))).toEqual(before)
  })

  test('whatever byte of a sidecar was flipped, and wherever it was cut', { timeout: 30_000 }, async () => {
    const disk = await written(60)
    const path = (await sidecars(disk))[1] as string
    const whole = Buffer.from(await disk.readFile(path))
    const some = queries.slice(0, 6)
    for (let at = 0; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      for (const bytes of at % 16 === 0 ? [flipped, whole.subarray(0, at)] : [flipped]) {
        await write(disk, path, bytes)
        const store = await open(disk)
        await expectPages(store, some, `at ${at}`)
        await store.close()
      }
    }
  })

  test('when a sidecar is that of another segment, or of the same one with other lines', async () => {
    const disk = await written(60)
    const [first, second] = (await sidecars(disk)) as [string, string]
    await write(disk, first, await disk.readFile(second))
    const other = await written(0)
    const store = await open(other)
    for (const { process } of mixed(60)) {
      store.append([draft(process, 'other')], 'durable')
      await store.durable(store.lastSeq)
    }
    await store.close()
    await write(disk, second, await other.readFile((await sidecars(other))[1] as string))
    const again = await open(disk)
    await expectPages(again, queries, 'sidecars of others')
    await again.close()
  })

  test('when the disk takes no sidecar at all', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const refusing: FileSystem = {
      ...disk,
      open: async (path, mode) => {
        if (path.endsWith('.idx')) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
        return disk.open(path, mode)
      },
    }
    const store = await open(refusing)
    for (const each of mixed(80)) store.append([each], 'lazy')
    await store.durable(80)
    await expectPages(store, queries.slice(0, 40), 'no sidecars')
    await store.close()
    expect(await sidecars(disk)).toEqual([])
  })
})

test('a page reads the segments that it needs and of those the lines', async () => {
  const disk = await written(2_000)
  const opened: string[] = []
  let bytes = 0
  const watched: FileSystem = {
    ...disk,
    open: async (path, mode) => {
      opened.push(path)
      const handle = await disk.open(path, mode)
      return {
        ...handle,
        read: async (target, position) => {
          bytes += target.byteLength
          return handle.read(target, position)
        },
      }
    },
  }
  const store = await open(watched)
  const total = (await disk.readDirectory('/data/journal')).filter((name) => name.endsWith('.jsonl')).length
  expect(total).toBeGreaterThan(150)
  const segmentsOpened = () => opened.filter((path) => path.endsWith('.jsonl')).length
  opened.length = 0
  expect((await store.page({ process: 'a', limit: 3 })).records).toHaveLength(3)
  expect(segmentsOpened()).toBeLessThanOrEqual(2)
  opened.length = 0
  bytes = 0
  expect((await store.page({ process: 'rare', limit: 1, before: 3 })).records).toHaveLength(1)
  expect(segmentsOpened(), 'others are passed over by their index').toBe(1)
  opened.length = 0
  expect((await store.page({ process: 'a', limit: 5, turn: 't3' })).records.length).toBeGreaterThan(0)
  expect(segmentsOpened()).toBeLessThan(total / 10)
  opened.length = 0
  bytes = 0
  expect((await store.tail(1_000, 5)).records.map(({ seq }) => seq)).toEqual([1_001, 1_002, 1_003, 1_004, 1_005])
  expect(segmentsOpened()).toBeLessThanOrEqual(2)
  expect(bytes).toBeLessThan(4_000)
  await store.close()
})

test('verify tells a sidecar that is not the index of its segment from one that a crash tore; a repair removes the first', async () => {
  const disk = await written(120)
  const files = { fileSystem: disk, directory: '/data', beingWritten: false }
  const paths = await sidecars(disk)
  expect(await verifyLog(files)).toMatchObject({ indexes: { whole: paths.length, torn: 0 }, troubles: [] })
  const [first, second, third] = paths as [string, string, string]
  await write(disk, first, await disk.readFile(second))
  await write(disk, third, (await disk.readFile(third)).subarray(0, -3))
  expect(await verifyLog(files)).toMatchObject({
    indexes: { whole: paths.length - 2, torn: 1 },
    troubles: [{ path: first, what: 'it is whole and not the index of its segment' }],
  })
  const plan = await planRepair(files)
  expect(plan).toMatchObject({ segments: [], indexes: [first] })
  expect(await repairLog(plan, { fileSystem: disk, clock, directory: '/data' })).toBeUndefined()
  expect(await disk.stat(first)).toBeUndefined()
  expect((await verifyLog(files)).troubles).toEqual([])
  const store = await open(disk)
  await expectPages(store, [{ process: 'a', limit: 200 }], 'repaired')
  await store.close()
  expect(await verifyLog(files)).toMatchObject({ indexes: { whole: paths.length, torn: 0 } })
})
