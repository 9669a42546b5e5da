import { join } from 'node:path'
import { type FileSystem, type JournalRecord, VigilError } from '@vigil/protocol'
import type { BlobStore } from './blob-store.ts'
import type { GrowingSegment } from './growing-segment.ts'
import { chainBefore, chainBeforeBytes } from './record-codec.ts'
import { damaged, firstOf, lastOf, segmentName, segmentsFrom } from './segment-files.ts'
import { type Beginning, readSegment } from './segment-reader.ts'
import { wholeRecords } from './whole-records.ts'

/** What is held in memory at a time is so many bodies at most. */
const bodiesAtOnce = 64

export interface ReplayedLog {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly growing: GrowingSegment
  readonly blobs: BlobStore
  /** Where one record ends, so that what came before it in its segment is not read again. */
  readonly known: KnownPlace | undefined
}

/** The end of the record `lastSeq` in the segment at `path`. */
export interface KnownPlace extends Omit<Beginning, 'chain'> {
  readonly path: string
}

/**
 * Visits every durable record behind `after`, in order; returns how many.
 * @throws JOURNAL_DAMAGED when one of them cannot be read: a shorter history would be a false one
 */
export async function replayLog(
  { fileSystem, directory, growing, blobs, known }: ReplayedLog,
  after: number,
  visit: (record: JournalRecord) => void,
): Promise<number> {
  let count = 0
  const { end } = growing
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
  const from = known?.lastSeq === after ? await beginning(fileSystem, known) : undefined
  const paths = await segmentsFrom(fileSystem, directory, after + 1, end.path)
  const oldest = paths[0]
  if (oldest !== undefined && after < end.seq && firstOf(oldest) > after + 1)
    throw removed(directory, after + 1, oldest)
  for (const [index, path] of paths.entries()) {
    const reading = await readSegment(fileSystem, path, {
      visit: told,
      pieceRead,
      after,
      ...(path === known?.path ? { from } : {}),
      // Behind the end somebody is writing: to look there could show a later flush without an earlier one.
      ...(path === end.path ? { upToBytes: end.bytes } : {}),
    })
    await pieceRead()
    const found = reading?.lastSeq ?? firstOf(path) - 1
    if (found < (lastOf(paths, index) ?? end.seq) || reading?.damagedInside === true)
      throw damaged(path, reading?.goodBytes ?? 0)
  }
  return count
}

/** The line at a known place goes on where the one before it ended. */
async function beginning(fileSystem: FileSystem, { path, ...place }: KnownPlace): Promise<Beginning> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const before = Buffer.alloc(chainBeforeBytes)
    await handle.read(before, place.offset - before.length)
    return { ...place, chain: chainBefore(before, before.length) }
  } finally {
    await handle.close()
  }
}

const removed = (directory: string, wanted: number, oldest: string): VigilError =>
  new VigilError(
    'JOURNAL_DAMAGED',
    `expected record ${wanted} in the journal, because no checkpoint holds it that this version can read; found ${oldest} to be the oldest segment: start the version that wrote the newest checkpoint, or restore what was removed`,
    { details: { segment: join(directory, segmentName(wanted)), offset: 0 } },
  )
