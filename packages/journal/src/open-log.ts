import { join } from 'node:path'
import type { Clock, FileHandle, FileSystem, OpenReport } from '@vigil/protocol'
import { writeFully } from './atomic-file.ts'
import { loadCheckpoints, type StoredCheckpoint } from './checkpoint-file.ts'
import type { KnownPlace } from './log-replay.ts'
import type { Places } from './places.ts'
import { longestHeader } from './record-codec.ts'
import { damaged, firstOf, segmentName, segmentsFrom } from './segment-files.ts'
import { type SegmentIndexBuilder, segmentIndexBuilder } from './segment-index-builder.ts'
import { readSegment, type SegmentReading } from './segment-reader.ts'
import { createSegment, type OpenSegment } from './segment-writer.ts'
import { mendTail } from './torn-tail.ts'

export interface OpenLogOptions {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  /** Of the segments. */
  readonly directory: string
  readonly checkpointDirectory: string
  /** Learns the place of every record behind the checkpoint. */
  readonly given: Places
}

export interface OpenedLog {
  readonly tail: OpenSegment
  /** Of the segment that grows. */
  readonly index: SegmentIndexBuilder
  readonly report: OpenReport
  readonly checkpoint: StoredCheckpoint | undefined
  /** Where what the checkpoint does not hold begins; undefined when that is the begin of a segment. */
  readonly behind: KnownPlace | undefined
  /** Of the rounds that are kept, newest first. */
  readonly roundSeqs: readonly number[]
}

/**
 * Verifies the segments that recovery needs and mends a torn tail; what it hands out may be appended to.
 * @throws JOURNAL_DAMAGED naming segment and byte offset, for anything but a torn tail
 */
export async function openLog({
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
      index: segmentIndexBuilder(1),
      report: {},
      checkpoint: undefined,
      behind: undefined,
      roundSeqs: [],
    }
  }
  const checkpoint = rounds.find((round) => round.seq + 1 >= firstOf(oldest))
  if (checkpoint === undefined && firstOf(oldest) !== 1) throw damaged(oldest, 0)
  if (checkpoint !== undefined) given.restore(checkpoint.seq, checkpoint.places)
  const needed = await segmentsFrom(fileSystem, directory, (checkpoint?.seq ?? 0) + 1)
  const previous = all.at(-2)
  // When the creation of the last segment was cut short, only the one before knows how the chain goes on.
  if (needed.length === 1 && previous !== undefined && !(await hasHeader(fileSystem, last))) needed.unshift(previous)
  let before: SegmentReading | undefined
  let index = segmentIndexBuilder(firstOf(last))
  let report: OpenReport = {}
  const known = checkpoint?.seq ?? 0
  let behind: KnownPlace | undefined
  for (const path of needed) {
    index = segmentIndexBuilder(firstOf(path))
    let reading = await readSegment(fileSystem, path, {
      after: Number.POSITIVE_INFINITY,
      passed: (head, start, end) => {
        if (head.seq > known) given.learn(head)
        if (head.seq === known) behind = { path, first: firstOf(path), lastSeq: known, offset: end }
        index.add(head, start, end)
      },
    })
    if (reading !== undefined && !continues(reading, before, firstOf(path))) throw damaged(path, 0)
    if (path === last) {
      if ((rounds[0]?.until ?? rounds[0]?.seq ?? 0) > (reading?.lastSeq ?? firstOf(path) - 1))
        throw damaged(path, reading?.goodBytes ?? 0)
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
  return {
    tail: { path: last, handle, position, chain, roomUpTo },
    index,
    report,
    checkpoint,
    behind,
    roundSeqs: rounds.map(({ seq }) => seq),
  }
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

const hasHeader = async (fileSystem: FileSystem, path: string): Promise<boolean> =>
  (await readSegment(fileSystem, path, { upToBytes: longestHeader })) !== undefined

/** A segment begins where its name says, and where the one before it ended. */
const continues = (reading: SegmentReading, before: SegmentReading | undefined, first: number): boolean =>
  reading.first === first &&
  (before === undefined || (reading.seed === before.chain && reading.first === before.lastSeq + 1))
