import { join } from 'node:path'
import type { FileSystem } from '@vigil/protocol'
import { lastOf, segmentsFrom, sidecarOf } from './segment-files.ts'

/** How much of the log is kept, in whole sealed segments; what is undefined keeps everything. */
export interface Retention {
  /** Segments whose newest record is older than this. */
  readonly ageMs?: number | undefined
  /** The oldest segments, while all together are larger than this. */
  readonly bytes?: number | undefined
}

/**
 * Removes the oldest segments that neither retention nor recovery needs: all in them is in the older of the two rounds of
 * checkpoints. One at a time, each removal durable before the next: a crash between two leaves no hole in the log.
 */
export async function retire({
  fileSystem,
  directory,
  neededAfter,
  retention: { ageMs = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY },
  now,
}: {
  readonly fileSystem: FileSystem
  /** Of the segments. */
  readonly directory: string
  /** Recovery reads records behind this one. */
  readonly neededAfter: number
  readonly retention: Retention
  readonly now: number
}): Promise<void> {
  const paths = await segmentsFrom(fileSystem, directory, 0)
  const stats = await Promise.all(paths.map((path) => fileSystem.stat(path)))
  await removeOrphans(fileSystem, directory, paths)
  let total = stats.reduce((sum, stat) => sum + (stat?.size ?? 0), 0)
  for (const [index, path] of paths.entries()) {
    const lastSeq = lastOf(paths, index)
    const stat = stats[index]
    if (lastSeq === undefined || lastSeq > neededAfter || stat === undefined) return
    if (now - stat.mtimeMs <= ageMs && total <= bytes) return
    await fileSystem.remove(path)
    await fileSystem.syncDirectory(directory)
    await fileSystem.remove(sidecarOf(path))
    total -= stat.size
  }
}

/** Sidecars whose segments are gone: a crash came between the two. */
async function removeOrphans(fileSystem: FileSystem, directory: string, paths: readonly string[]): Promise<void> {
  const sidecars = new Set(paths.map(sidecarOf))
  for (const name of await fileSystem.readDirectory(directory)) {
    const path = join(directory, name)
    if (name.endsWith('.idx') && !sidecars.has(path)) await fileSystem.remove(path)
  }
}
