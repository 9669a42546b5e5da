import { openFileStore, planRepair, readLog, repairLog, verifyLog } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { all, draft, segments } from './journal-store-subjects.ts'

const clock = virtualClock()
/** Length of `,"crc":"…"}` at the end of a line. */
const checksum = 18
const open = (fileSystem: FileSystem): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 2_000 })
const files = (fileSystem: FileSystem) => ({ fileSystem, directory: '/data', beingWritten: false })
const repair = async (fileSystem: FileSystem) => {
  const plan = await planRepair(files(fileSystem))
  return { plan, loss: await repairLog(plan, { fileSystem, clock, directory: '/data' }) }
}

/** Batches of one to three records of three processes, whose lives end now and then; a round in the middle. */
async function written(): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data')
  const store = await open(disk)
  for (let round = 0; round < 24; round += 1) {
    const epoch = 1 + Math.floor(round / 8)
    const drafts = Array.from({ length: 1 + (round % 3) }, (_, index) =>
      draft(`p${index}`, `"}\n${round}.${index}ü`, { epoch }),
    )
    store.append(drafts, 'durable')
    await store.durable(store.lastSeq)
    if (round === 9) await store.saveCheckpoint({ seq: store.lastSeq, at: round, rows: new Map() })
  }
  await store.close()
  return disk
}

/** A disk with the same files. */
async function copyOf(disk: SimulatedFileSystem): Promise<SimulatedFileSystem> {
  const copy = simulatedFileSystem()
  for (const folder of ['/data', '/data/journal', '/data/checkpoints']) {
    await copy.makeDirectory(folder)
    for (const name of await disk.readDirectory(folder)) {
      if ((await disk.stat(`${folder}/${name}`))?.kind === 'file')
        await replace(copy, `${folder}/${name}`, await disk.readFile(`${folder}/${name}`))
    }
  }
  for (const folder of ['/', '/data', '/data/checkpoints']) await copy.syncDirectory(folder)
  return copy
}

async function replace(disk: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  await disk.remove(path)
  const handle = await disk.open(path, 'create')
  handle.write(bytes, 0)
  await handle.sync()
  await handle.close()
  await disk.syncDirectory('/data/journal')
}

/** What is wrong with a log after its repair, when no record but `mayMiss` may be missing; nothing if it is as promised. */
async function wrongAfter(
  disk: SimulatedFileSystem,
  once: readonly JournalRecord[],
  mayMiss: (record: JournalRecord) => boolean,
): Promise<string[]> {
  const wrong: string[] = []
  const { troubles, segments: kept } = await verifyLog(files(disk))
  // What a round covers may have been given up.
  const records = once.filter(({ seq }) => seq >= (kept[0]?.first_seq ?? 1))
  wrong.push(...troubles.map(({ path, offset, what }) => `${path} ${offset}: ${what}`))
  const again = await repair(disk)
  if (again.plan.segments.length > 0 || again.loss !== undefined) wrong.push('a second repair finds something to do')
  const store = await open(disk).catch((error: Error) => error)
  if (store instanceof Error) return [...wrong, `does not open: ${store.message}`]
  const found: JournalRecord[] = []
  await readLog(files(disk), (record) => void found.push(record))
  const bySeq = new Map(found.map((record) => [record.seq, record]))
  const missing = records.filter((record) => JSON.stringify(bySeq.get(record.seq)) !== JSON.stringify(record))
  for (const record of missing) if (!mayMiss(record)) wrong.push(`record ${record.seq} is not there any more`)
  const before = new Set(records.map(({ seq }) => seq))
  const notes = found.filter((record) => !before.has(record.seq))
  if (notes.some(({ type }) => !['journal.repaired', 'journal.record_lost'].includes(type)))
    wrong.push('records were made up')
  const house = notes.find(({ type }) => type === 'journal.repaired')
  for (const { seq, process } of missing) {
    if (house?.type !== 'journal.repaired') wrong.push(`record ${seq} is lost and it is not on record`)
    else if (!house.data.lost.some(({ from_seq, to_seq }) => from_seq <= seq && seq <= to_seq))
      wrong.push(`record ${seq} is lost and not named`)
    if (!notes.some((note) => note.process === process)) wrong.push(`${process} is not told of record ${seq}`)
  }
  for (const name of ['p0', 'p1', 'p2']) {
    const paged = await store.page({ process: name, limit: 1_000, order: 'oldest_first' })
    if (paged.records.length !== found.filter(({ process }) => process === name).length)
      wrong.push(`${name} has no page`)
    const own = once.filter(({ process }) => process === name)
    const epoch = Math.max(...found.filter(({ process }) => process === name).map((record) => record.epoch), 1)
    const [next] = store.append([draft(name, 'next', { epoch })], 'durable')
    if ((next?.n ?? 0) <= (own.at(-1)?.n ?? 0)) wrong.push(`${name} is given place ${next?.n} again`)
    if (epoch < (own.at(-1)?.epoch ?? 0)) wrong.push(`${name} is given epoch ${epoch} again`)
    if ((next?.seq ?? 0) <= once.length) wrong.push(`seq ${next?.seq} is given again`)
  }
  await store.close()
  return wrong
}

describe('a damaged log', () => {
  let whole: SimulatedFileSystem
  let records: readonly JournalRecord[]
  let paths: readonly string[]
  beforeAll(async () => {
    whole = await written()
    const store = await open(whole)
    records = await all(store)
    await store.close()
    paths = await segments(whole)
  })

  /** Which record stands at a byte of a segment, and how far it is from the end of its line. */
  const recordAt = (bytes: Buffer, at: number) => {
    const begin = bytes.lastIndexOf(10, at - 1) + 1
    const end = bytes.indexOf(10, at)
    const seq = Number(/^\{"seq":(\d+)/.exec(bytes.toString('latin1', begin, begin + 40))?.[1])
    return { seq, tail: end - at }
  }

  test('keeps every record but the one that was hit, and says so', { timeout: 60_000 }, async () => {
    const sizes = await Promise.all(paths.map(async (path) => (await whole.readFile(path)).length))
    for (const [index, path] of paths.entries()) {
      for (let at = index; at < (sizes[index] as number); at += 13) {
        const disk = await copyOf(whole)
        const bytes = Buffer.from(await disk.readFile(path))
        const { seq, tail } = recordAt(bytes, at)
        bytes[at] = (bytes[at] as number) ^ 1
        await replace(disk, path, bytes)
        const isLast = index === paths.length - 1
        const torn = isLast && (await verifyLog(files(disk))).troubles.length === 0
        if (torn) continue
        await repair(disk)
        // The next line proves the body of one whose checksum is hit.
        const mayMiss = (record: JournalRecord) => record.seq === seq && tail > checksum
        expect(await wrongAfter(disk, records, mayMiss), `a flip at ${at} of ${path}`).toEqual([])
        const kept = (await disk.readDirectory('/data/journal')).filter((name) => name.includes('.damaged-'))
        expect(kept).toHaveLength(1)
        expect(Buffer.compare(await disk.readFile(`/data/journal/${kept[0]}`), bytes)).toBe(0)
      }
    }
  })

  test('opens again whatever was done to it', { timeout: 300_000 }, async () => {
    const damage = fc.record({
      segment: fc.nat(),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 700 }),
      how: fc.constantFrom('zeros', 'blank', 'garbage', 'cut out', 'cut off', 'doubled', 'gone'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
        const disk = await copyOf(whole)
        for (const { segment, at, length, how } of damages) {
          const path = paths[segment % paths.length] as string
          // Nothing says how much there was of the last segment, so what is missing of it cannot be missed.
          const shortens = !['zeros', 'garbage', 'doubled'].includes(how)
          if ((await disk.stat(path)) === undefined || (shortens && path === paths.at(-1))) continue
          if (how === 'gone') {
            await disk.remove(path)
            continue
          }
          const bytes = Buffer.from(await disk.readFile(path))
          const start = at % bytes.length
          const end = Math.min(bytes.length, start + length)
          if (how === 'zeros') bytes.fill(0, start, end)
          if (how === 'blank') bytes.fill(10, start, end)
          if (how === 'garbage') for (let each = start; each < end; each += 1) bytes[each] = (each * 31) % 256
          const left = [bytes.subarray(0, start), bytes.subarray(how === 'doubled' ? start : end)]
          if (how === 'doubled') left.splice(1, 0, bytes.subarray(start, end))
          const cutting = how === 'cut out' || how === 'doubled'
          await replace(
            disk,
            path,
            cutting ? Buffer.concat(left) : how === 'cut off' ? bytes.subarray(0, start) : bytes,
          )
        }
        // Only a torn end may be missing without a word, as after a power cut.
        const { segments: found, troubles } = await verifyLog(files(disk))
        const last = found.at(-1)
        const isTorn = troubles.every(({ path }) => path !== last?.path)
        const sure = isTorn ? records.filter(({ seq }) => seq <= (last?.last_seq ?? 0)) : records
        await repair(disk)
        expect(await wrongAfter(disk, sure, () => true)).toEqual([])
      }),
      { numRuns: process.env['VIGIL_TORTURE'] === undefined ? 150 : 5_000 },
    )
  })

  test('is repaired whenever the repair before was cut short', async () => {
    const damaged = await copyOf(whole)
    for (const path of paths.slice(1, 3)) {
      const bytes = Buffer.from(await damaged.readFile(path))
      await replace(damaged, path, bytes.fill(0, 400, 600))
    }
    const needed = await copyOf(damaged)
    const from = needed.operations()
    await repair(needed)
    for (let operations = 1; operations < needed.operations() - from; operations += 1) {
      const disk = await copyOf(damaged)
      disk.cutPower({ operations })
      await repair(disk).catch(() => undefined)
      disk.crash()
      await repair(disk)
      expect(await wrongAfter(disk, records, () => true), `power off after ${operations}`).toEqual([])
    }
  })
})
