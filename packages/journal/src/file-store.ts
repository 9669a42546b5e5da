import { basename, join } from 'node:path'
import {
  type Checkpoint,
  type Clock,
  type FileHandle,
  type FileSystem,
  type JournalRecord,
  type JournalStore,
  type OpenReport,
  type PageQuery,
  VigilError,
} from '@vigil/protocol'
import { makeDurableDirectory, writeFully } from './atomic-file.ts'
import { loadCheckpoints, type StoredCheckpoint, saveCheckpoint } from './checkpoint-file.ts'
import { onDisk } from './disk-failure.ts'
import { groupCommit } from './group-commit.ts'
import { matches } from './page.ts'
import { dataTexts, isoClock, type Places, places } from './places.ts'
import { encodeRecord } from './record-codec.ts'
import { readSegment, type SegmentReading } from './segment-reader.ts'
import { createSegment, type OpenSegment, segmentName, segmentWriter } from './segment-writer.ts'
import { mendTail } from './torn-tail.ts'

export interface FileStoreOptions {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  /** The data directory; the log lies in `journal/`, checkpoints in `checkpoints/`. */
  readonly directory: string
  /** A segment is sealed when it has grown past this; default 64 MB. */
  readonly segmentBytes?: number
}

const defaultSegmentBytes = 64 * 1_048_576

/**
 * Opens the log of a data directory: verifies the segments that recovery needs, mends a torn tail, and is
 * ready to append.
 * @throws JOURNAL_DAMAGED naming segment and byte offset, for anything but a torn tail · DISK_FULL · JOURNAL_FAILED
 */
export async function openFileStore(options: FileStoreOptions): Promise<JournalStore> {
  const { fileSystem, clock, segmentBytes = defaultSegmentBytes } = options
  const directory = join(options.directory, 'journal')
  const checkpointDirectory = join(options.directory, 'checkpoints')
  const given = places()
  const { tail, report, checkpoint } = await onDisk(async () => {
    for (const each of [options.directory, directory, checkpointDirectory]) await makeDurableDirectory(fileSystem, each)
    return openLog({ fileSystem, clock, directory, checkpointDirectory, given })
  })
  const writer = segmentWriter(fileSystem, directory, segmentBytes, tail)
  const commit = groupCommit({
    clock,
    durableSeq: given.lastSeq,
    write: (bodies, firstSeq) => writer.write(bodies, firstSeq),
  })
  const iso = isoClock(() => clock.now())
  let newest: StoredCheckpoint | undefined = checkpoint

  return {
    report,
    failed: commit.failed,
    get lastSeq() {
      return given.lastSeq
    },
    get durableSeq() {
      return commit.durableSeq
    },
    append(drafts, urgency) {
      commit.assertOpen()
      if (drafts.length === 0) return []
      const data = dataTexts(drafts)
      const records = given.give(drafts, iso())
      const last = records.length - 1
      const bodies = records.map((record, index) =>
        encodeRecord(record, { data: data[index] as string, more: index < last }),
      )
      commit.add(bodies, given.lastSeq, urgency === 'durable')
      return records
    },
    durable: (seq) => commit.durable(seq),
    onFlush: (listener) => commit.onFlush(listener),
    async replay(after, visit) {
      let count = 0
      const end = { seq: commit.durableSeq, ...writer.durable }
      const paths = await segmentsFrom(fileSystem, directory, after + 1, end.path)
      if (after < end.seq && firstOf(paths[0] ?? '') > after + 1)
        throw damaged(join(directory, segmentName(after + 1)), 0)
      for (const [index, path] of paths.entries()) {
        await readWhole(fileSystem, path, lastOf(paths, index), end, (record) => {
          if (record.seq <= after) return
          count += 1
          visit(record)
        })
      }
      return count
    },
    async page(query) {
      const found: JournalRecord[] = []
      const end = { seq: commit.durableSeq, ...writer.durable }
      const paths = await segmentsFrom(fileSystem, directory, 0, end.path)
      for (const [index, path] of [...paths.entries()].reverse()) {
        const inSegment: JournalRecord[] = []
        await readWhole(fileSystem, path, lastOf(paths, index), end, (record) => {
          if (!matches(record, query)) return
          inSegment.push(record)
          if (inSegment.length > query.limit) inSegment.shift()
        })
        found.push(...inSegment.reverse())
        if (found.length >= query.limit || found.some((record) => record.n === 1)) break
      }
      return found.slice(0, query.limit)
    },
    async saveCheckpoint(round: Checkpoint) {
      // Places may be newer than the round: what lies between is durable first, and learned again at the next start.
      const stored = { ...round, places: given.dump() }
      await commit.durable(given.lastSeq)
      await onDisk(() => saveCheckpoint(fileSystem, checkpointDirectory, stored))
      newest = stored
    },
    async loadCheckpoint() {
      return newest
    },
    async close() {
      await commit.close()
      await writer.close()
    },
  }
}

interface OpenLogOptions {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly directory: string
  readonly checkpointDirectory: string
  readonly given: Places
}

interface OpenedLog {
  readonly tail: OpenSegment
  readonly report: OpenReport
  readonly checkpoint: StoredCheckpoint | undefined
}

async function openLog({
  fileSystem,
  clock,
  directory,
  checkpointDirectory,
  given,
}: OpenLogOptions): Promise<OpenedLog> {
  const all = await segmentsFrom(fileSystem, directory, 0)
  const rounds = await loadCheckpoints(fileSystem, checkpointDirectory)
  const [oldest, last] = [all[0], all.at(-1)]
  if (oldest === undefined || last === undefined) {
    // A round is saved only after its records are durable, so a log that is not there has been lost.
    if (rounds.length > 0) throw damaged(join(directory, segmentName(1)), 0)
    return {
      tail: await createSegment(fileSystem, directory, 1, 0),
      report: {},
      checkpoint: undefined,
    }
  }
  const checkpoint = rounds.find((round) => round.seq + 1 >= firstOf(oldest))
  if (checkpoint === undefined && firstOf(oldest) !== 1) throw damaged(oldest, 0)
  if (checkpoint !== undefined) given.restore(checkpoint.seq, checkpoint.places)
  const needed = await segmentsFrom(fileSystem, directory, (checkpoint?.seq ?? 0) + 1)
  const previous = all.at(-2)
  // When the creation of the last segment was cut short, only the one before knows how the chain goes on.
  if (
    needed.length === 1 &&
    previous !== undefined &&
    (await readSegment(fileSystem, last, () => undefined)) === undefined
  )
    needed.unshift(previous)
  let before: SegmentReading | undefined
  let report: OpenReport = {}
  for (const path of needed) {
    let reading = await readSegment(fileSystem, path, (record) => {
      if (record.seq > (checkpoint?.seq ?? 0)) given.learn(record)
    })
    if (reading !== undefined && !continues(reading, before, firstOf(path))) throw damaged(path, 0)
    if (path === last) {
      if ((rounds[0]?.seq ?? 0) > (reading?.lastSeq ?? firstOf(path) - 1)) throw damaged(path, reading?.goodBytes ?? 0)
      const mended = await mendTail({ fileSystem, clock, path, reading, first: firstOf(path), chain: before?.chain })
      reading = mended.reading
      report = mended.report
    }
    if (reading === undefined || reading.goodBytes !== reading.badUpTo) throw damaged(path, reading?.goodBytes ?? 0)
    before = reading
  }
  const handle = await fileSystem.open(last, 'write')
  try {
    // What a predecessor wrote and never synced was read just now: nobody may build on it before it is durable.
    if (before !== undefined) await writeAgain(handle, before)
    await handle.sync()
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    await handle.close()
    throw error
  }
  const { goodBytes: position = 0, chain = 0, totalBytes: roomUpTo = 0 } = before ?? {}
  return { tail: { path: last, handle, position, chain, roomUpTo }, report, checkpoint }
}

/**
 * A failed sync may have been what stopped the predecessor. Linux then takes the pages for clean, so that the next sync
 * succeeds and writes none of them: only what is written again is sure to reach the disk. All before was synced.
 */
async function writeAgain(handle: FileHandle, { lastFlushAt, goodBytes }: SegmentReading): Promise<void> {
  const bytes = Buffer.alloc(goodBytes - lastFlushAt)
  const found = await handle.read(bytes, lastFlushAt)
  writeFully(handle, bytes.subarray(0, found), lastFlushAt)
}

/** A segment begins where its name says, and where the one before it ended. */
const continues = (reading: SegmentReading, before: SegmentReading | undefined, first: number): boolean =>
  reading.first === first &&
  (before === undefined || (reading.seed === before.chain && reading.first === before.lastSeq + 1))

/** Where the durable part of the log ends. */
interface End {
  readonly seq: number
  readonly path: string
  readonly bytes: number
}

/**
 * Reads a segment that has to hold everything up to `lastSeq`, or to the end of the log: a shorter one has lost what was
 * once acknowledged. Behind the end somebody is writing: to look there could show a later flush without an earlier one.
 */
async function readWhole(
  fileSystem: FileSystem,
  path: string,
  lastSeq: number | undefined,
  end: End,
  visit: (record: JournalRecord) => void,
): Promise<void> {
  const durable = (record: JournalRecord): void => {
    if (record.seq <= end.seq) visit(record)
  }
  const reading = await readSegment(fileSystem, path, durable, path === end.path ? end.bytes : undefined)
  const found = reading?.lastSeq ?? firstOf(path) - 1
  if (found < (lastSeq ?? end.seq) || reading?.damagedInside === true) throw damaged(path, reading?.goodBytes ?? 0)
}

/** The last record of a sealed segment, as the name of the one after it says; undefined for the one that still grows. */
const lastOf = (paths: readonly string[], index: number): number | undefined => {
  const next = paths[index + 1]
  return next === undefined ? undefined : firstOf(next) - 1
}

const damaged = (path: string, offset: number): VigilError =>
  new VigilError('JOURNAL_DAMAGED', `the journal segment ${path} is damaged at byte ${offset}`, {
    details: { segment: path, offset },
  })

const firstOf = (path: string): number => Number(/(\d+)\.jsonl$/.exec(path)?.[1])

/** Paths of the segments that hold records from `seq` on, in order, up to the one at `lastPath`. */
async function segmentsFrom(
  fileSystem: FileSystem,
  directory: string,
  seq: number,
  lastPath?: string,
): Promise<string[]> {
  const last = lastPath === undefined ? segmentName(Number.MAX_SAFE_INTEGER) : basename(lastPath)
  const names = (await fileSystem.readDirectory(directory)).filter(
    (name) => /^\d{16}\.jsonl$/.test(name) && name <= last,
  )
  const start = names.findLastIndex((name) => name <= segmentName(seq))
  return names.slice(Math.max(0, start)).map((name) => join(directory, name))
}

export type { PageQuery }
