import { type FileChange, limits } from '@vigil/protocol'

/**
 * What a file trigger has seen: one key per path. Comparing it with a scan tells what came while nobody
 * watched. Pure; the caller accepts the deliveries first and stores the changed baseline with them, so a
 * crash in between tells a change again (its dedupe key catches that) but never loses one.
 */

/** Path -> key of the version that was seen last. */
export type FileBaseline = ReadonlyMap<string, string>

export interface BaselineChange {
  /** What to tell, in the order of the paths. */
  readonly deliver: readonly FileChange[]
  /** New keys of the baseline: what was delivered and what `events` leaves out. */
  readonly set: readonly (readonly [path: string, key: string])[]
  /** Paths that left the baseline. */
  readonly removed: readonly string[]
  /** Files that found no room (1,000,000 paths): neither told nor remembered. */
  readonly overflow: number
}

/** The version of a file, as one string; deleted files have none. */
export const fileKey = (file: Pick<FileChange, 'size' | 'mtimeMs' | 'inode'>): string =>
  `${file.size}:${file.mtimeMs}:${file.inode}`

/** Compares what was seen with what a scan found. */
export function compareScan(
  baseline: FileBaseline,
  scan: readonly FileChange[],
  events: readonly FileChange['kind'][],
  maxPaths: number = limits.watchedPaths,
): BaselineChange {
  const deliver: FileChange[] = []
  const set: [string, string][] = []
  const standing = new Set<string>()
  for (const file of scan) standing.add(file.path)
  const removed = [...baseline.keys()].filter((path) => !standing.has(path))
  let room = maxPaths - (baseline.size - removed.length)
  let overflow = 0

  for (const file of scan) {
    const seen = baseline.get(file.path)
    const key = fileKey(file)
    if (seen === key) continue
    if (seen === undefined && room <= 0) {
      overflow++
      continue
    }
    if (seen === undefined) room--
    const kind = seen === undefined ? 'created' : 'modified'
    set.push([file.path, key])
    if (events.includes(kind)) deliver.push({ ...file, kind })
  }
  if (events.includes('deleted')) {
    for (const path of removed) deliver.push(deletion(path, baseline.get(path) as string))
  }
  return { deliver: deliver.sort((a, b) => (a.path < b.path ? -1 : 1)), set, removed, overflow }
}

/** A deletion carries the size, time and inode of the version that went, so that each one has its own dedupe key. */
function deletion(path: string, key: string): FileChange {
  const [size, mtimeMs, inode] = key.split(':').map(Number) as [number, number, number]
  return { kind: 'deleted', path, size, mtimeMs, inode }
}
