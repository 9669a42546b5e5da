import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { all, draft } from './journal-store-subjects.ts'

/** What one life of a store was asked for and what it promised before its machine died. */
interface Life {
  readonly batches: (readonly JournalRecord[])[]
  acknowledged: number
}

const clock = virtualClock()
const open = (fileSystem: FileSystem): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 900 })

/** Several writers, batches of one to four records, rotation and rounds; until it is done or the disk fails. */
async function live(fileSystem: FileSystem): Promise<Life> {
  const life: Life = { batches: [], acknowledged: 0 }
  try {
    const store = await open(fileSystem)
    const write = async (name: string, rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const drafts: RecordDraft[] = Array.from({ length: 1 + (round % 4) }, (_, index) =>
          draft(name, `${round}.${index}`),
        )
        const records = store.append(drafts, round % 3 === 0 ? 'lazy' : 'durable')
        life.batches.push(records)
        const lastSeq = records.at(-1)?.seq as number
        await store.durable(lastSeq)
        life.acknowledged = Math.max(life.acknowledged, lastSeq)
        if (round !== 3) continue
        // A round that is asked for before its last record is durable, while the other writer goes on.
        life.batches.push(store.append([draft(name, 'round')], 'lazy'))
        await store.saveCheckpoint({ seq: store.lastSeq, at: round, rows: new Map() })
      }
    }
    await Promise.allSettled([write('a', 6), write('b', 5)])
    await store.close()
  } catch {
    // The power went off while it was opened or closed.
  }
  return life
}

/** What is wrong with the log that a life left behind, in words; nothing if it kept every promise. */
async function brokenPromises(disk: SimulatedFileSystem, life: Life): Promise<string[]> {
  const store = await open(disk).catch((error: Error) => error)
  if (store instanceof Error) return [`does not open: ${store.message}`]
  const found = await all(store)
  const appended = life.batches.flat()
  const broken: string[] = []
  if (found.length < life.acknowledged)
    broken.push(`${life.acknowledged} records were acknowledged, ${found.length} survive`)
  const same = found.every((record, index) => JSON.stringify(record.data) === JSON.stringify(appended[index]?.data))
  if (!same) broken.push('what survives is not a prefix')
  const ends = new Set([0, ...life.batches.map((batch) => batch.at(-1)?.seq)])
  if (!ends.has(found.length)) broken.push(`record ${found.length} is in the middle of a batch`)
  for (const name of ['a', 'b']) {
    const [next] = store.append([draft(name)], 'durable')
    const expected = found.filter(({ process }) => process === name).length + 1
    if (next?.n !== expected) broken.push(`"${name}" goes on with ${next?.n} instead of ${expected}`)
  }
  await store.close()
  return broken
}

const losses = [
  {},
  { keepNames: true },
  { keepBytes: 1 },
  { keepBytes: 150, keepNames: true },
  { keepBytes: 400 },
] as const

async function prepared(): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem({ mostBytesPerWrite: 300 })
  await disk.makeDirectory('/data')
  return disk
}

/** Lets the power go off between any two operations of a life, and collects what was broken. */
async function sweep(wrap: (disk: SimulatedFileSystem) => FileSystem): Promise<string[]> {
  const whole = await prepared()
  const before = whole.operations()
  await live(wrap(whole))
  const needed = whole.operations() - before
  const broken: string[] = []
  for (let operations = 0; operations <= needed; operations += 1) {
    for (const loss of losses) {
      const disk = await prepared()
      disk.cutPower({ operations })
      const life = await live(wrap(disk))
      disk.crash(loss)
      for (const promise of await brokenPromises(disk, life))
        broken.push(`power off after ${operations}, ${JSON.stringify(loss)}: ${promise}`)
    }
  }
  expect(needed, 'a life is long enough to be worth the sweep').toBeGreaterThan(40)
  return broken
}

describe('power that goes off after any operation', () => {
  test('fault test 5: unsynced data is lost, and no promise broken', { timeout: 120_000 }, async () => {
    expect(await sweep((disk) => disk)).toEqual([])
  })

  test('fault test 26: is seen by the sweep when files are not synced', { timeout: 120_000 }, async () => {
    const broken = await sweep((disk) => ({
      ...disk,
      open: async (path, mode) => ({ ...(await disk.open(path, mode)), sync: async () => {} }),
    }))
    expect(broken.length).toBeGreaterThan(0)
  })

  test('fault test 26: is seen by the sweep when folders are not synced', { timeout: 120_000 }, async () => {
    expect((await sweep((disk) => ({ ...disk, syncDirectory: async () => {} }))).length).toBeGreaterThan(0)
  })

  test('fault 21: loses nothing that a killed predecessor left unsynced and we built on', async () => {
    const whole = await prepared()
    await live(whole)
    for (let operations = 0; operations < whole.operations(); operations += 1) {
      const disk = await prepared()
      disk.cutPower({ operations })
      await live(disk)
      disk.kill()
      const store = await open(disk)
      const seen = await all(store)
      const [next] = store.append([draft('c')], 'durable')
      await store.durable(store.lastSeq)
      disk.crash()
      expect(await all(await open(disk)), `killed after ${operations}`).toEqual([...seen, next])
    }
  })

  test('fault 21: is survived again while the first crash is mended', async () => {
    for (let operations = 1; operations < 12; operations += 1) {
      const disk = simulatedFileSystem()
      await disk.makeDirectory('/data')
      const life = await live(disk)
      const handle = await disk.open(`/data/journal/${(await disk.readDirectory('/data/journal')).at(-1)}`, 'write')
      handle.write(new Uint8Array(40), await handle.size())
      await handle.sync()
      disk.cutPower({ operations })
      await open(disk).then(
        (store) => store.close(),
        () => undefined,
      )
      disk.crash()
      expect(await brokenPromises(disk, life), `power off after ${operations}`).toEqual([])
    }
  })
})

describe('a disk that fails', () => {
  const failures = [
    { operation: 'write', code: 'EIO', error: 'JOURNAL_FAILED' },
    { operation: 'sync', code: 'EIO', error: 'JOURNAL_FAILED' },
    { operation: 'write', code: 'EAGAIN', error: 'JOURNAL_FAILED' },
    { operation: 'write', code: 'EINTR', error: 'JOURNAL_FAILED' },
    { operation: 'open', code: 'EMFILE', error: 'JOURNAL_FAILED' },
    { operation: 'syncDirectory', code: 'EIO', error: 'JOURNAL_FAILED' },
  ] as const

  test.each(failures)(
    'fault tests 7 and 10: $operation $code once stops the journal for ever',
    async ({ operation, code, error }) => {
      let seen = 0
      for (let nth = 1; nth <= 6; nth += 1) {
        const disk = simulatedFileSystem({ mostBytesPerWrite: 120 })
        await disk.makeDirectory('/data')
        const store = await open(disk)
        const life: Life = { batches: [], acknowledged: 0 }
        // A sidecar that cannot be written stops nobody.
        disk.failNext({ operation, code, nth, suffix: operation === 'syncDirectory' ? '' : '.jsonl' })
        let refusal: unknown
        for (let round = 0; round < 30 && refusal === undefined; round += 1) {
          const records = store.append([draft('a', round), draft('b', round)], 'durable')
          life.batches.push(records)
          const seq = records[1]?.seq as number
          refusal = await store.durable(seq).then(
            () => undefined,
            (reason) => reason,
          )
          if (refusal === undefined) life.acknowledged = seq
        }
        expect(refusal, `${operation} ${nth}`).toMatchObject({ code: error, details: { code } })
        seen += 1
        expect(await store.failed).toBe(refusal)
        const before = disk.operations()
        expect(() => store.append([draft('a')], 'durable')).toThrow(expect.objectContaining({ code: error }))
        await expect(store.durable(store.lastSeq)).rejects.toBe(refusal)
        await expect(store.durable(life.acknowledged)).resolves.toBeUndefined()
        await clock.advance(1_000)
        await store.close()
        expect(disk.operations(), 'nothing is tried again').toBe(before)
        expect(disk.openHandles(), 'files left open').toBe(0)
        const kept = await disk.readDirectory('/data/journal')
        expect(await brokenPromises(disk, life), `killed after ${operation} ${nth}, ${kept}`).toEqual([])
        disk.crash()
      }
      expect(seen).toBe(6)
    },
  )

  test('a full disk says so also while the journal is opened', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    disk.failNext({ operation: 'write', code: 'ENOSPC' })
    await expect(open(disk)).rejects.toMatchObject({ code: 'DISK_FULL', details: { code: 'ENOSPC' } })
    expect(disk.openHandles(), 'files left open').toBe(0)
  })

  test('waiters of all later flushes are refused with the first reason', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const store = await open(disk)
    const held = disk.holdSyncs()
    store.append([draft('a')], 'durable')
    const first = store.durable(1)
    await held.arrived
    store.append([draft('a')], 'lazy')
    const second = store.durable(2)
    disk.cutPower({ operations: 0 })
    held.release()
    await expect(first).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
    await expect(second).rejects.toBe(await store.failed)
    await store.close()
  })

  test('what is appended while a flush is under way goes with the next one', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const store = await open(disk)
    const flushes: number[] = []
    store.onFlush((seq) => flushes.push(seq))
    const held = disk.holdSyncs()
    store.append([draft('a')], 'durable')
    await held.arrived
    for (let index = 0; index < 100; index += 1) store.append([draft('a', index)], 'durable')
    expect(store.durableSeq).toBe(0)
    held.release()
    await store.durable(101)
    expect(flushes).toEqual([1, 101])
    await store.close()
  })
})
