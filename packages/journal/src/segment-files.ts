import { basename, join } from 'node:path'
import { type FileSystem, VigilError } from '@vigil/protocol'

/** The segments of a log in their folder: `<first seq>.jsonl`, so that names sort as their records do. */
export const segmentName = (first: number): string => `${String(first).padStart(16, '0')}.jsonl`

/** Where the index of a sealed segment lies. */
export const sidecarOf = (path: string): string => path.replace(/jsonl$/, 'idx')

/** Sequence number of the first record of the segment at `path`. */
export const firstOf = (path: string): number => Number(/(\d+)\.jsonl$/.exec(path)?.[1])

/** The last record of a sealed segment, as the name of the one after it says; undefined for the one that still grows. */
export const lastOf = (paths: readonly string[], index: number): number | undefined => {
  const next = paths[index + 1]
  return next === undefined ? undefined : firstOf(next) - 1
}

/** Paths of the segments that hold records from `seq` on, in order, up to the one at `lastPath`. */
export async function segmentsFrom(
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

export const damaged = (path: string, offset: number): VigilError =>
  new VigilError('JOURNAL_DAMAGED', `the journal segment ${path} is damaged at byte ${offset}`, {
    details: { segment: path, offset },
  })
