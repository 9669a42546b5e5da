import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, RecordDraft } from '@vigil/protocol'
import { applyRecord, type World as Folds, recover, snapshotRow } from '@vigil/supervisor/internal'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { endedOnce } from '../../packages/testkit/src/world/journal-checks.ts'
import { copyExample, startExample } from '../support/example-fleet.ts'

/**
 * The journal that the example wrote on a real disk, of many segments with a checkpoint round every few records, cut at every
 * byte (one in four hundred in a test run): from each rest ring 0 goes on with every whole batch before the cut and nothing else,
 * and knows what it knew when the last of them was written.
 */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const sample = 400
const clock = virtualClock()

/** A folder of a data directory: file names and what they hold, in order. */
type Folder = readonly (readonly [name: string, bytes: Uint8Array])[]
interface Written {
  readonly journal: Folder
  /** Every round, also those that a running fleet has no more use for. */
  readonly checkpoints: Folder
  /** By process; a body is durable before the line that names it, so all of them are there wherever the log ends. */
  readonly blobs: readonly (readonly [process: string, bodies: Folder])[]
}

async function writtenByFleet(): Promise<Written> {
  const home = mkdtempSync(join(tmpdir(), 'vigil-cut-'))
  const dataDir = join(home, 'data')
  const real = nodeFileSystem()
  const keepingRounds: FileSystem = {
    ...real,
    remove: async (path) => (path.endsWith('.ckpt') ? undefined : await real.remove(path)),
  }
  try {
    copyExample(join(home, 'fleet'))
    const example = await startExample(join(home, 'fleet'), dataDir, { fileSystem: keepingRounds })
    await example.reported(3)
    await example.stop()
    const read = (folder: string): Folder =>
      readdirSync(join(dataDir, folder))
        // Sidecars are made anew where they are missing.
        .filter((name) => !name.endsWith('.idx'))
        .sort()
        .map((name) => [name, readFileSync(join(dataDir, folder, name))])
    const blobs = readdirSync(join(dataDir, 'blobs')).map((name) => [name, read(join('blobs', name))] as const)
    return { journal: read('journal'), checkpoints: read('checkpoints'), blobs }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** The bytes behind each whole batch of the log, counted over all segments, and the number of records up to there. */
function batchEnds(journal: Folder): { readonly bytes: number; readonly records: number }[] {
  const ends: { bytes: number; records: number }[] = []
  let bytes = 0
  for (const [, segment] of journal) {
    for (const line of Buffer.from(segment)
      .toString('utf8')
      .split(/(?<=\n)/)) {
      bytes += Buffer.byteLength(line)
      if (line.trim() === '') continue
      const { seq, more } = JSON.parse(line) as { seq?: number; more?: true }
      if (seq !== undefined && more === undefined) ends.push({ bytes, records: seq })
    }
  }
  return ends
}

async function put(disk: SimulatedFileSystem, folder: string, files: Folder): Promise<void> {
  await disk.makeDirectory(folder)
  for (const [name, bytes] of files) {
    const handle = await disk.open(join(folder, name), 'create')
    handle.write(bytes, 0)
    await handle.close()
  }
}

/** A disk as it is when the log ends at `cut`; a round is there when all that it tells of is. */
async function diskCutAt(
  { journal, checkpoints, blobs }: Written,
  cut: number,
  records: number,
): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem()
  const segments: [string, Uint8Array][] = []
  let start = 0
  for (const [name, bytes] of journal) {
    if (start <= cut) segments.push([name, bytes.subarray(0, cut - start)])
    start += bytes.length
  }
  await put(disk, '/data/journal', segments)
  for (const [name, bodies] of blobs) await put(disk, join('/data/blobs', name), bodies)
  await put(
    disk,
    '/data/checkpoints',
    checkpoints.filter(([, bytes]) => knownTo(bytes) <= records),
  )
  return disk
}

/** A round is saved when all is durable that was appended by then, which may be more than it holds. */
function knownTo(round: Uint8Array): number {
  const [header = ''] = Buffer.from(round).toString('utf8', 8).split('\n', 1)
  return (JSON.parse(header) as { until: number }).until
}

const openOn = (fileSystem: FileSystem) => openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 4_000 })
const rows = (of: Folds): string => JSON.stringify([...of.values()].map(snapshotRow))

/** What ring 0 would find on this disk, in words where it is not the first `records` of `whole`. */
async function brokenOn(
  disk: FileSystem,
  whole: readonly JournalRecord[],
  records: number,
  world: string,
): Promise<string[]> {
  const store = await openOn(disk)
  const log: JournalRecord[] = []
  await store.replay(0, (record) => void log.push(record))
  const recovered = await recover(store)
  const [goesOn] = store.append(
    [{ process: '@runtime', epoch: 0, type: 'runtime.stopped', data: {} } as RecordDraft],
    'lazy',
  )
  await store.close()
  const waiting = [...recovered.world.values()].flatMap(({ name, mailbox }) =>
    [...mailbox.keys()].map((event) => `${event} of ${name}`),
  )
  const broken = endedOnce(log, new Set(waiting))
  if (log.length !== records) broken.push(`${records} records were whole, ${log.length} are there`)
  const other = log.find((record, index) => JSON.stringify(record) !== JSON.stringify(whole[index]))
  if (other !== undefined) broken.push(`record ${other.seq} is not what was written`)
  if (rows(recovered.world) !== world) broken.push('the world is another than when the last record was written')
  if (recovered.report.lost !== 0) broken.push(`${recovered.report.lost} accepted events are lost`)
  if (goesOn?.seq !== log.length + 1) broken.push(`the log goes on with ${goesOn?.seq} behind ${log.length} records`)
  return broken
}

test('fault 1: cut at any byte, the journal of the example is a past that it can go on from', {
  timeout: 3_600_000,
}, async () => {
  const written = await writtenByFleet()
  expect(written.journal.length).toBeGreaterThan(3)
  expect(written.checkpoints.length).toBeGreaterThan(3)
  const ends = batchEnds(written.journal)
  expect(ends.length, 'some batches have more than one record').toBeLessThan(ends.at(-1)?.records ?? 0)
  const length = ends.at(-1)?.bytes ?? 0
  const whole = await recordsOf(await diskCutAt(written, length, 0))
  expect(whole.map(({ type }) => type)).toEqual(expect.arrayContaining(expectedTypes))

  const live: Folds = new Map()
  let folded = 0
  let world = rows(live)
  let nth = 0
  for (let cut = torture ? 0 : seed % sample; cut <= length; cut += torture ? 1 : sample) {
    while ((ends[nth]?.bytes ?? Number.POSITIVE_INFINITY) <= cut) nth += 1
    const records = ends[nth - 1]?.records ?? 0
    if (records > folded) {
      for (; folded < records; folded += 1) applyRecord(live, whole[folded] as JournalRecord)
      world = rows(live)
    }
    const disk = await diskCutAt(written, cut, records)
    expect(await brokenOn(disk, whole, records, world), `cut at ${cut}`).toEqual([])
    expect(disk.openHandles()).toBe(0)
  }
  expect(folded).toBeGreaterThanOrEqual(whole.length - (torture ? 0 : 5))
})

const expectedTypes = ['trigger.accepted', 'bus.published', 'effect.completed', 'turn.completed', 'incarnation.exited']

async function recordsOf(disk: FileSystem): Promise<JournalRecord[]> {
  const store = await openOn(disk)
  const log: JournalRecord[] = []
  await store.replay(0, (record) => void log.push(record))
  await store.close()
  return log
}

const lying = (disk: SimulatedFileSystem): FileSystem => ({
  ...disk,
  open: async (path, mode) => ({ ...(await disk.open(path, mode)), sync: async () => {} }),
})
const disks: [string, (disk: SimulatedFileSystem) => FileSystem, string[]][] = [
  ['keeps what a disk that syncs was asked to keep', (disk) => disk, []],
  ['sees a disk that syncs nothing', lying, ['9 records were whole, 0 are there']],
]
test.each(disks)('after a power cut the checker %s', async (_what, wrap, expected) => {
  const disk = simulatedFileSystem()
  const store = await openOn(wrap(disk))
  const author = { process: 'a', epoch: 0 } as { process: JournalRecord['process']; epoch: number }
  const whole: JournalRecord[] = []
  for (let index = 0; index < 9; index += 1) {
    whole.push(
      ...store.append([{ ...author, type: 'trigger.armed', data: { trigger_id: 't', from: `${index}` } }], 'durable'),
    )
    await store.durable(store.lastSeq)
  }
  disk.crash()
  expect((await brokenOn(disk, whole, whole.length, '[]')).filter((each) => each.includes('whole'))).toEqual(expected)
  await store.close()
})
