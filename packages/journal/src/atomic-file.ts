import { dirname } from 'node:path'
import type { FileHandle, FileSystem } from '@vigil/protocol'

/**
 * Whole files and durable folders. Invariant: after a crash at any moment a reader finds the old file or the new
 * one, never a part; and a folder that was reported as made is still there.
 */

/** Writes all of `bytes`; the system may take fewer per call. */
export function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.byteLength) {
    const taken = handle.write(written === 0 ? bytes : bytes.subarray(written), position + written)
    if (taken <= 0) throw Object.assign(new Error('EIO: the disk took no bytes, write'), { code: 'EIO' })
    written += taken
  }
}

export interface WriteOptions {
  /** Of the file, default 0o644. */
  readonly permissions?: number
  /** A name in the same folder that nobody else uses, default `${path}.tmp`. */
  readonly draft?: string
}

/**
 * Replaces the file at `path` by `bytes`: draft, sync, rename, sync of the folder. When it resolves, the new content
 * survives a crash; when it rejects, the old content stands. Calls for one path wait for
 * each other.
 */
export async function writeFileAtomically(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
  { permissions = 0o644, draft = `${path}.tmp` }: WriteOptions = {},
): Promise<void> {
  // Two writers would share one draft, and one of them would publish what the other had half written.
  const queues = writers.getOrInsertComputed(fileSystem, () => new Map<string, Promise<void>>())
  const turn = (queues.get(path) ?? Promise.resolve())
    .catch(() => undefined)
    .then(() => replaceFile(fileSystem, path, bytes, { permissions, draft }))
  queues.set(path, turn)
  try {
    await turn
  } finally {
    if (queues.get(path) === turn) queues.delete(path)
  }
}

const writers = new WeakMap<FileSystem, Map<string, Promise<void>>>()

async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
  { permissions, draft }: Required<WriteOptions>,
): Promise<void> {
  // A draft that an earlier crash left behind may be longer and has rights of its own.
  await fileSystem.remove(draft)
  try {
    const handle = await fileSystem.open(draft, 'create', permissions)
    try {
      writeFully(handle, bytes, 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fileSystem.rename(draft, path)
  } catch (error) {
    // What failed is told by the first error; a draft that cannot be removed is removed by the next try.
    await fileSystem.remove(draft).catch(() => undefined)
    throw error
  }
  await fileSystem.syncDirectory(dirname(path))
}

/** Makes a folder with its parents and makes their names durable. */
export async function makeDurableDirectory(fileSystem: FileSystem, path: string): Promise<void> {
  const missing: string[] = []
  for (let each = path; (await fileSystem.stat(each)) === undefined; each = dirname(each)) missing.push(each)
  await fileSystem.makeDirectory(path)
  for (const each of missing.reverse()) await fileSystem.syncDirectory(dirname(each))
  if (missing.length > 0) return
  try {
    // It may have been made by a predecessor who was killed before the name was durable.
    await fileSystem.syncDirectory(dirname(path))
  } catch (error) {
    // A parent that we may not read is not one in which we ever made a folder.
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
