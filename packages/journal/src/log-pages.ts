import { basename } from 'node:path'
import { errorCode, type FileSystem, type JournalPage, type JournalRecord, type PageQuery } from '@vigil/protocol'
import type { BlobStore } from './blob-store.ts'
import type { DamageList } from './damage-list.ts'
import type { GrowingSegment, LogEnd } from './growing-segment.ts'
import { unwrapped } from './line-bodies.ts'
import { matches } from './page.ts'
import { pickRecords } from './record-picker.ts'
import { salvage } from './salvage.ts'
import { lastOf, segmentsFrom } from './segment-files.ts'
import { type Columns, chainFor, ordinals, type SegmentIndex } from './segment-index.ts'
import type { SegmentIndexes } from './segment-indexes.ts'
import { readSegment } from './segment-reader.ts'
import { wholeRecords } from './whole-records.ts'

export interface LogPagesOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly growing: GrowingSegment
  readonly indexes: SegmentIndexes
  readonly damages: DamageList
  readonly blobs: BlobStore
}

/** What somebody looks for in a segment. */
interface Search {
  /** False when the index alone tells that there is nothing. */
  readonly mayHold: (index: SegmentIndex) => boolean
  /** Which records to look at, in the order of the page. */
  readonly ordinals: (index: SegmentIndex, columns: Columns) => Iterable<number>
  readonly isWanted: (record: JournalRecord) => boolean
  readonly newestFirst: boolean
}

interface Segment {
  readonly path: string
  /** Undefined for the one that grows. */
  readonly sealedAt: number | undefined
}

/** Reads what of the log can be read, a page at a time, and only where its records stand. */
export function logPages({ fileSystem, directory, growing, indexes, damages, blobs }: LogPagesOptions) {
  const search = async ({
    what,
    from,
    limit,
    process,
  }: {
    what: Search
    from: number
    limit: number
    process?: string
  }): Promise<JournalPage> => {
    // Both in one tick: what is written while this page is read is not on it.
    const { end } = growing
    const snapshot = growing.snapshot(process)
    const found: JournalRecord[] = []
    const missing: string[] = []
    const paths = await segmentsFrom(fileSystem, directory, from, end.path)
    const segments = paths.map((path, index) => ({ path, sealedAt: lastOf(paths, index) }))
    for (const segment of what.newestFirst ? segments.reverse() : segments) {
      if (found.length >= limit) break
      const records = await readable(segment, { what, limit: limit - found.length, snapshot })
      found.push(...(records ?? (await damagedPart(segment, { what, end, missing }))))
    }
    return { records: found.slice(0, limit), damaged: missing }
  }

  /** Undefined when the segment is damaged. */
  const readable = async (
    { path, sealedAt }: Segment,
    { what, limit, snapshot }: { what: Search; limit: number; snapshot: SegmentIndex },
  ): Promise<JournalRecord[] | undefined> => {
    if (damages.has(path)) return undefined
    const sealed = sealedAt === undefined ? undefined : { path, lastSeq: sealedAt }
    try {
      const index = sealed === undefined ? snapshot : await indexes.of(sealed)
      const records = await picked(fileSystem, path, { index, what, limit })
      if (records !== undefined || sealed === undefined) return records
      // An index of other bytes than these; the segment knows better.
      return await picked(fileSystem, path, { index: await indexes.rebuild(sealed), what, limit })
    } catch (error) {
      if (errorCode(error) === 'JOURNAL_DAMAGED') return undefined
      // Retention was quicker.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  const damagedPart = async (
    { path, sealedAt }: Segment,
    { what, end, missing }: { what: Search; end: LogEnd; missing: string[] },
  ): Promise<JournalRecord[]> => {
    const upTo = sealedAt === undefined ? end.bytes : Number.POSITIVE_INFINITY
    missing.push(basename(path))
    if (!damages.has(path)) damages.found(path, await damagedAt(fileSystem, path, upTo))
    const records: JournalRecord[] = []
    await salvage(fileSystem, path, upTo, (record) => {
      if (record.seq <= end.seq && what.isWanted(record)) records.push(record)
    })
    return what.newestFirst ? records.reverse() : records
  }

  const whole = async ({ records, damaged }: JournalPage): Promise<JournalPage> => ({
    records: await wholeRecords(blobs, records),
    damaged,
  })

  return {
    async page(query: PageQuery): Promise<JournalPage> {
      const newestFirst = query.order !== 'oldest_first'
      const what: Search = {
        newestFirst,
        mayHold: (index) => chainFor(index, query) !== undefined,
        ordinals: (index, columns) => {
          const chosen = ordinals(index, columns, query)
          return newestFirst ? chosen : [...chosen].reverse()
        },
        isWanted: (record) => matches(record, query),
      }
      const page = await search({ what, from: 0, limit: query.limit, process: query.process })
      if (query.bodies === 'named') return { ...page, records: page.records.map(unwrapped) }
      return await whole(page)
    },
    async tail(cursor: number, limit: number): Promise<JournalPage> {
      const what: Search = {
        newestFirst: false,
        mayHold: ({ first, count }) => first + count > cursor + 1,
        ordinals: ({ first, count }) => range(Math.max(0, cursor + 1 - first), count),
        isWanted: (record) => record.seq > cursor,
      }
      return await whole(await search({ what, from: cursor + 1, limit }))
    },
  }
}

function* range(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at += 1) yield at
}

/** Undefined when a record is not where the index says. */
async function picked(
  fileSystem: FileSystem,
  path: string,
  { index, what, limit }: { index: SegmentIndex; what: Search; limit: number },
): Promise<JournalRecord[] | undefined> {
  if (!what.mayHold(index)) return []
  const columns = await index.columns()
  const chosen = what.ordinals(index, columns)[Symbol.iterator]()
  const found: JournalRecord[] = []
  let batch = take(chosen, limit)
  if (batch.length === 0) return found
  const handle = await fileSystem.open(path, 'read')
  try {
    while (batch.length > 0) {
      const records = await pickRecords(handle, { index, columns, ordinals: batch })
      if (records === undefined) return undefined
      found.push(...(what.newestFirst ? records.reverse() : records).filter(what.isWanted))
      batch = take(chosen, limit - found.length)
    }
    return found
  } finally {
    await handle.close()
  }
}

function take(from: Iterator<number>, count: number): number[] {
  const taken: number[] = []
  while (taken.length < count) {
    const next = from.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

async function damagedAt(fileSystem: FileSystem, path: string, upToBytes: number): Promise<number> {
  const reading = await readSegment(fileSystem, path, { after: Number.POSITIVE_INFINITY, upToBytes }).catch(
    () => undefined,
  )
  return reading?.goodBytes ?? 0
}
