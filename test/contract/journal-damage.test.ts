import { openFileStore } from '@vigil/journal'
import type { JournalRecord, JournalStore } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { all, draft, segments } from './journal-store-subjects.ts'

/** A log as it lies on the disk, and where each record's line ends in it. */
interface Log {
  readonly bytes: Buffer
  readonly records: readonly JournalRecord[]
  readonly lineEnds: readonly number[]
}

const path = '/data/journal/0000000000000001.jsonl'
/** All of them, or a sample. The last record is a flush that nobody was told of: it may be torn. */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const flippedRecords = torture ? Array.from({ length: 49 }, (_, record) => record) : [1, 24, 47, 48]
const flips = torture ? [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80] : [0x01, 0x80]
const clock = virtualClock()

/** Segments that hold the whole log, and no room behind it. */
const open = (disk: SimulatedFileSystem, segmentBytes = 16_384): Promise<JournalStore> =>
  openFileStore({ fileSystem: disk, clock, directory: '/data', segmentBytes })

/** `together`: so many of the last records share a flush, all others have one of their own. */
async function written(count: number, together = 1): Promise<Log> {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data')
  const store = await open(disk)
  for (let index = 0; index < count; index += 1) {
    store.append([draft(`p${index % 3}`, `"}\n${index}ü`)], 'lazy')
    if (index < count - together) await store.durable(index + 1)
  }
  await store.close()
  const bytes = Buffer.from(await disk.readFile(path))
  const lineEnds: number[] = []
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, end + 1)) lineEnds.push(end + 1)
  return { bytes, records: await all(await open(disk)), lineEnds }
}

/** A disk on which nothing but this segment stands. */
async function diskWith(bytes: Uint8Array): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data/journal')
  const handle = await disk.open(path, 'create')
  handle.write(bytes, 0)
  await handle.sync()
  for (const folder of ['/', '/data', '/data/journal']) await disk.syncDirectory(folder)
  return disk
}

/** Where the bytes after `good` end that are not blank lines. */
function withoutRoom(bytes: Uint8Array, good: number): number {
  let end = bytes.byteLength
  while (end > good && bytes[end - 1] === 10 && (end - 1 === good || bytes[end - 2] === 10)) end -= 1
  return end
}

const lines = ({ bytes, lineEnds }: Log): Buffer[] =>
  lineEnds.map((end, index) => bytes.subarray(lineEnds[index - 1] ?? 0, end))

describe('a log of 50 records', () => {
  let log: Log
  beforeAll(async () => {
    log = await written(50)
  })

  /** Opens what is left, and goes on from there: what was whole before the cut must stand, and nothing else. */
  const expectPrefix = async (bytes: Uint8Array, cut: number): Promise<void> => {
    const disk = await diskWith(bytes)
    const store = await open(disk)
    const whole = Math.max(0, log.lineEnds.filter((end) => end <= cut).length - 1)
    expect(await all(store), `cut at ${cut}`).toEqual(log.records.slice(0, whole))
    const good = log.lineEnds[whole] ?? 0
    const torn = whole === 0 && cut < (log.lineEnds[0] as number) ? 0 : withoutRoom(bytes, good) - good
    expect(store.report.tornTail?.bytes ?? 0, `torn at ${cut}`).toBe(torn)
    if (torn > 0) {
      const moved = await disk.readFile(store.report.tornTail?.movedTo as string)
      expect(Buffer.compare(moved, bytes.subarray(good, good + torn)), 'the torn bytes are kept').toBe(0)
    }
    const [next] = store.append([draft('p0')], 'durable')
    await store.close()
    // The mending itself must survive the next power cut.
    disk.crash()
    expect((await all(await open(disk))).at(-1)).toEqual(next)
  }

  test('fault 1: cut at every byte is a prefix', { timeout: 180_000 }, async () => {
    for (let cut = 0; cut <= log.bytes.length; cut += 1) await expectPrefix(log.bytes.subarray(0, cut), cut)
  })

  test('fault 1: cut anywhere and followed by NULs or garbage is a prefix', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.oneof(
          fc.integer({ min: 1, max: 5_000 }).map((length) => new Uint8Array(length)),
          fc.uint8Array({ minLength: 1, maxLength: 300 }),
        ),
        async (pick, tail) => {
          const cut = (log.lineEnds[0] as number) + (pick % (log.bytes.length - (log.lineEnds[0] as number)))
          // By chance the garbage may go on as the log did.
          fc.pre(tail[0] !== log.bytes[cut])
          await expectPrefix(Buffer.concat([log.bytes.subarray(0, cut), tail]), cut)
        },
      ),
      { numRuns: 150 },
    )
  })

  const expectDamaged = async (bytes: Uint8Array, what: string): Promise<void> => {
    const disk = await diskWith(bytes)
    const refusal = open(disk).then(
      () => `opened after ${what}`,
      (error) => error,
    )
    expect(await refusal, what).toMatchObject({
      code: 'JOURNAL_DAMAGED',
      details: { segment: path, offset: expect.any(Number) },
    })
    expect(Buffer.compare(await disk.readFile(path), bytes), 'evidence is left as it is').toBe(0)
  }

  test.each(flippedRecords)('fault 2: every flip in record %i is damage', { timeout: 60_000 }, async (index) => {
    for (let at = log.lineEnds[index] as number; at < (log.lineEnds[index + 1] as number); at += 1) {
      for (const mask of flips) {
        const bytes = Buffer.from(log.bytes)
        bytes[at] = (bytes[at] as number) ^ mask
        await expectDamaged(bytes, `a flip at ${at}`)
      }
    }
  })

  test('fault 2: every flip in the header is damage', async () => {
    for (let at = 0; at < (log.lineEnds[0] as number); at += 1) {
      for (const mask of flips) {
        const bytes = Buffer.from(log.bytes)
        bytes[at] = (bytes[at] as number) ^ mask
        await expectDamaged(bytes, `a flip at ${at}`)
      }
    }
  })

  test('fault 2: a line that is missing, twice there or in another place is damage', async () => {
    for (const index of torture ? Array.from({ length: 49 }, (_, line) => line + 1) : [1, 2, 20, 48, 49]) {
      const without = lines(log).toSpliced(index, 1)
      await expectDamaged(Buffer.concat(without), `line ${index} deleted`)
      const line = lines(log)[index] as Buffer
      await expectDamaged(Buffer.concat(lines(log).toSpliced(index, 0, line)), `line ${index} twice`)
      await expectDamaged(Buffer.concat(without.toSpliced(index + 1, 0, line)), `line ${index} swapped`)
    }
  })

  test('a hole anywhere in the last flush is a torn tail: nobody was told of it', { timeout: 60_000 }, async () => {
    const torn = await written(30, 8)
    for (let at = torn.lineEnds[22] as number; at < torn.bytes.length; at += 7) {
      const disk = await diskWith(torn.bytes)
      const handle = await disk.open(path, 'write')
      handle.write(new Uint8Array(Math.min(16, torn.bytes.length - at)).fill(at % 2 === 0 ? 10 : 0), at)
      await handle.close()
      const store = await open(disk)
      const found = await all(store)
      expect(found, `a hole at ${at}`).toEqual(torn.records.slice(0, found.length))
      expect(found.length).toBeGreaterThanOrEqual(22)
      expect(found.length).toBeLessThan(30)
      await store.close()
    }
  })

  test('room behind the lines is passed over, and written on from its beginning', async () => {
    for (const length of [1, 100, 3_000]) {
      const disk = await diskWith(Buffer.concat([log.bytes, Buffer.alloc(length, '\n')]))
      const store = await open(disk)
      expect(store.report.tornTail).toBeUndefined()
      expect(await all(store)).toEqual(log.records)
      store.append([draft('p0', 'next')], 'lazy')
      await store.close()
      expect(Buffer.compare((await disk.readFile(path)).subarray(0, log.bytes.length), log.bytes)).toBe(0)
      expect(await all(await open(disk))).toHaveLength(51)
    }
  })

  test('the refusal names the offset of the first bad line', async () => {
    const bytes = Buffer.from(log.bytes)
    const offset = log.lineEnds[30] as number
    bytes[offset + 20] = 0
    await expect(open(await diskWith(bytes))).rejects.toMatchObject({ details: { segment: path, offset } })
  })
})

describe('a log of many segments', () => {
  const segmentBytes = 600
  const many = async (count = 30): Promise<SimulatedFileSystem> => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const store = await open(disk, segmentBytes)
    for (let index = 0; index < count; index += 1) {
      store.append([draft('a', index)], 'durable')
      await store.durable(index + 1)
    }
    await store.close()
    return disk
  }

  test('opens, replays and goes on', async () => {
    const disk = await many()
    expect((await segments(disk)).length).toBeGreaterThan(4)
    const store = await open(disk, segmentBytes)
    expect((await all(store)).map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
    expect((await all(store, 17))[0]?.seq).toBe(18)
    await store.close()
  })

  test('fault 2: refuses a missing segment, whichever it is', async () => {
    const count = (await segments(await many())).length
    for (let index = 0; index < count - 1; index += 1) {
      const disk = await many()
      await disk.remove((await segments(disk))[index] as string)
      await expect(open(disk, segmentBytes), `without segment ${index}`).rejects.toMatchObject({
        code: 'JOURNAL_DAMAGED',
      })
    }
  })

  test('refuses a log that ends before its newest checkpoint', async () => {
    const disk = await many()
    const store = await open(disk, segmentBytes)
    await store.saveCheckpoint({ seq: 30, at: 1, rows: new Map() })
    await store.close()
    await disk.remove((await segments(disk)).at(-1) as string)
    await expect(open(disk, segmentBytes)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' })
  })

  test('refuses a sealed segment with a torn end', async () => {
    const disk = await many()
    const [first] = await segments(disk)
    const handle = await disk.open(first as string, 'write')
    await handle.truncate((await handle.size()) - 3)
    await expect(open(disk, segmentBytes)).rejects.toMatchObject({
      code: 'JOURNAL_DAMAGED',
      details: { segment: first },
    })
  })

  test('mends a last segment whose creation was cut short, at any byte', async () => {
    const whole = await many()
    const names = await segments(whole)
    const last = names.at(-1) as string
    const header = (await whole.readFile(last)).subarray(0, (await whole.readFile(last)).indexOf(10) + 1)
    const before = Number(/(\d+)\.jsonl/.exec(last)?.[1]) - 1
    for (const checkpointed of [false, true]) {
      for (let cut = 0; cut <= header.length; cut += 1) {
        const disk = await many(before)
        if (checkpointed) {
          const store = await open(disk, segmentBytes)
          await store.saveCheckpoint({ seq: before, at: 1, rows: new Map() })
          await store.close()
        }
        const handle = await disk.open(last, 'create')
        handle.write(header.subarray(0, cut), 0)
        await handle.close()
        const store = await open(disk, segmentBytes)
        expect(store.lastSeq, `header cut at ${cut}`).toBe(before)
        store.append([draft('a')], 'durable')
        await store.close()
        expect((await all(await open(disk, segmentBytes))).length).toBe(before + 1)
      }
    }
  })

  test('needs no segment that a checkpoint covers, and falls back when the newest round is damaged', async () => {
    const disk = await many()
    const store = await open(disk, segmentBytes)
    for (const seq of [9, 20, 29])
      await store.saveCheckpoint({ seq, at: seq, rows: new Map([['a', Uint8Array.of(seq)]]) })
    await store.close()
    const names = await disk.readDirectory('/data/checkpoints')
    expect(names).toEqual(['0000000000000020.ckpt', '0000000000000029.ckpt'])
    const newest = `/data/checkpoints/${names[1]}`
    const size = (await disk.readFile(newest)).length
    for (let at = 0; at < size; at += 1) {
      const handle = await disk.open(newest, 'write')
      const byte = (await disk.readFile(newest))[at] as number
      handle.write(Uint8Array.of(byte ^ 1), at)
      const again = await open(disk, segmentBytes)
      expect((await again.loadCheckpoint())?.seq, `a flip at ${at}`).toBe(20)
      expect(again.append([draft('a')], 'lazy')[0]).toMatchObject({
        seq: again.durableSeq + 1,
        n: again.durableSeq + 1,
      })
      await again.close()
      handle.write(Uint8Array.of(byte), at)
      await handle.close()
    }
    const [first] = await segments(disk)
    await disk.remove(first as string)
    const again = await open(disk, segmentBytes)
    expect((await again.loadCheckpoint())?.seq).toBe(29)
    await again.close()
  })
})
