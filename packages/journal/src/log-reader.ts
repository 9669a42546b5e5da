import { join } from 'node:path'
import type { FileSystem, JournalRecord, JournalStore } from '@vigil/protocol'
import { matches } from './page.ts'
import { damaged, firstOf, lastOf, segmentName, segmentsFrom } from './segment-files.ts'
import { readSegment } from './segment-reader.ts'

/** Reads what of an open log is durable, while somebody writes behind it. */
export type LogReader = Pick<JournalStore, 'replay' | 'page'>

/** Where the durable part of the log ends. */
export interface LogEnd {
  readonly seq: number
  /** The segment that grows, and how much of it is on the disk. */
  readonly path: string
  readonly bytes: number
}

export function logReader(fileSystem: FileSystem, directory: string, durableEnd: () => LogEnd): LogReader {
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
      const found: JournalRecord[] = []
      const end = durableEnd()
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
