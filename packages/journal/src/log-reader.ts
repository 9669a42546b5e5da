import { basename, join } from 'node:path'
import {
  errorCode,
  type FileSystem,
  type JournalDamage,
  type JournalRecord,
  type JournalStore,
  type VigilError,
} from '@vigil/protocol'
import { matches } from './page.ts'
import { damaged, firstOf, lastOf, segmentName, segmentsFrom } from './segment-files.ts'
import { readSegment } from './segment-reader.ts'

/** Reads what of an open log is durable, while somebody writes behind it. */
export type LogReader = Pick<JournalStore, 'replay' | 'page' | 'tail' | 'onDamage'>

/** Where the durable part of the log ends. */
export interface LogEnd {
  readonly seq: number
  /** The segment that grows, and how much of it is on the disk. */
  readonly path: string
  readonly bytes: number
}

export function logReader(fileSystem: FileSystem, directory: string, durableEnd: () => LogEnd): LogReader {
  const listeners = new Set<(damage: JournalDamage) => void>()
  const told = new Set<string>()

  /** Reads what can be read of a segment; damage is told, and named among what is missing. */
  const readable = async (
    path: string,
    lastSeq: number | undefined,
    end: LogEnd,
    missing: string[],
    visit: (record: JournalRecord) => void,
  ): Promise<void> => {
    try {
      await readWhole(fileSystem, path, lastSeq, end, visit)
    } catch (error) {
      if (errorCode(error) !== 'JOURNAL_DAMAGED') throw error
      missing.push(basename(path))
      if (told.has(path)) return
      told.add(path)
      const { offset } = (error as VigilError).details as JournalDamage
      for (const listener of listeners) listener({ segment: basename(path), offset })
    }
  }

  return {
    async replay(after, visit) {
      let count = 0
      const end = durableEnd()
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
      const newestFirst = query.order !== 'oldest_first'
      const found: JournalRecord[] = []
      const missing: string[] = []
      const end = durableEnd()
      const paths = await segmentsFrom(fileSystem, directory, 0, end.path)
      const entries = [...paths.entries()]
      for (const [index, path] of newestFirst ? entries.reverse() : entries) {
        const inSegment: JournalRecord[] = []
        await readable(path, lastOf(paths, index), end, missing, (record) => {
          if (matches(record, query)) inSegment.push(record)
        })
        found.push(...(newestFirst ? inSegment.reverse() : inSegment))
        if (found.length >= query.limit) break
      }
      return { records: found.slice(0, query.limit), damaged: missing }
    },
    async tail(cursor, limit) {
      const found: JournalRecord[] = []
      const missing: string[] = []
      const end = durableEnd()
      const paths = await segmentsFrom(fileSystem, directory, cursor + 1, end.path)
      for (const [index, path] of paths.entries()) {
        await readable(path, lastOf(paths, index), end, missing, (record) => {
          if (record.seq > cursor) found.push(record)
        })
        if (found.length >= limit) break
      }
      return { records: found.slice(0, limit), damaged: missing }
    },
    onDamage(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/**
 * Reads a segment that has to hold everything up to `lastSeq`, or to the end of the log: a shorter one has lost what was
 * once acknowledged. Behind the end somebody is writing: to look there could show a later flush without an earlier one.
 */
async function readWhole(
  fileSystem: FileSystem,
  path: string,
  lastSeq: number | undefined,
  end: LogEnd,
  visit: (record: JournalRecord) => void,
): Promise<void> {
  const durable = (record: JournalRecord): void => {
    if (record.seq <= end.seq) visit(record)
  }
  const reading = await readSegment(fileSystem, path, durable, path === end.path ? end.bytes : undefined)
  const found = reading?.lastSeq ?? firstOf(path) - 1
  if (found < (lastSeq ?? end.seq) || reading?.damagedInside === true) throw damaged(path, reading?.goodBytes ?? 0)
}
