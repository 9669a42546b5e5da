import { join } from 'node:path'
import type { FileSystem, JournalRecord } from '@vigil/protocol'
import type { BlobStore } from './blob-store.ts'
import type { GrowingSegment } from './growing-segment.ts'
import { chainBefore, chainBeforeBytes } from './record-codec.ts'
import { damaged, firstOf, lastOf, segmentName, segmentsFrom } from './segment-files.ts'
import type { SegmentIndex } from './segment-index.ts'
import { type Beginning, type ReadOptions, readSegment } from './segment-reader.ts'
import { wholeRecords } from './whole-records.ts'

/** What is held in memory at a time is so many bodies at most. */
const bodiesAtOnce = 64

export interface ReplayedLog {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly growing: GrowingSegment
  readonly blobs: BlobStore
}

/**
 * Visits every durable record behind `after`, in order; returns how many.
 * @throws JOURNAL_DAMAGED when one of them cannot be read: a shorter history would be a false one
 */
export async function replayLog(
  { fileSystem, directory, growing, blobs }: ReplayedLog,
  after: number,
  visit: (record: JournalRecord) => void,
): Promise<number> {
  let count = 0
  const { end } = growing
  const index = growing.snapshot()
  /** As their lines hold them, of the piece that is being read. */
  let read: JournalRecord[] = []
  const told = (record: JournalRecord): void => {
    if (record.seq <= end.seq) read.push(record)
  }
  const pieceRead = async (): Promise<void> => {
    count += read.length
    for (let from = 0; from < read.length; from += bodiesAtOnce)
      for (const record of await wholeRecords(blobs, read.slice(from, from + bodiesAtOnce))) visit(record)
    read = []
  }
  const from = await beginning(fileSystem, { path: end.path, index }, after)
  const paths = await segmentsFrom(fileSystem, directory, after + 1, end.path)
  if (after < end.seq && firstOf(paths[0] ?? '') > after + 1) throw damaged(join(directory, segmentName(after + 1)), 0)
  for (const [index, path] of paths.entries()) {
    const options: ReadOptions =
      path === end.path
        ? { visit: told, pieceRead, after, from, upToBytes: end.bytes }
        : { visit: told, pieceRead, after }
    // Behind the end somebody is writing: to look there could show a later flush without an earlier one.
    const reading = await readSegment(fileSystem, path, options)
    await pieceRead()
    const found = reading?.lastSeq ?? firstOf(path) - 1
    if (found < (lastOf(paths, index) ?? end.seq) || reading?.damagedInside === true)
      throw damaged(path, reading?.goodBytes ?? 0)
  }
  return count
}

/** Of the segment that grew when the replay began it is known where each record stands. */
async function beginning(
  fileSystem: FileSystem,
  { path, index }: { readonly path: string; readonly index: SegmentIndex },
  after: number,
): Promise<Beginning | undefined> {
  const { first, count } = index
  const ordinal = after + 1 - first
  if (ordinal <= 0 || ordinal >= count) return undefined
  const { offsets } = await index.columns()
  const offset = offsets[ordinal] as number
  const handle = await fileSystem.open(path, 'read')
  try {
    const before = Buffer.alloc(chainBeforeBytes)
    await handle.read(before, offset - before.length)
    return { first, lastSeq: after, offset, chain: chainBefore(before, before.length) }
  } finally {
    await handle.close()
  }
}
