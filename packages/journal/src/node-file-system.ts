import { constants, writeSync } from 'node:fs'
import * as disk from 'node:fs/promises'
import type { FileHandle, FileSystem } from '@vigil/protocol'

/**
 * The house's one way to the disk. A write is a plain system call into the page cache: it takes microseconds
 * and keeps the order of calls; a sync may take the disk's whole latency, so it runs on the thread pool.
 */
const flags = {
  read: constants.O_RDONLY,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  write: constants.O_RDWR | constants.O_CREAT,
  // A pipe without a writer would hold a thread of the pool for ever.
  plain: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
} as const

/** The files of this machine, through the `FileSystem` port. New files get 0o644 unless told otherwise. */
export function nodeFileSystem(): FileSystem {
  return {
    async open(path, mode, permissions = 0o644) {
      const handle = await disk.open(path, flags[mode], permissions)
      if (mode !== 'plain' || (await handle.stat()).isFile()) return nodeHandle(handle)
      await handle.close()
      throw Object.assign(new Error(`EINVAL: not a plain file, open '${path}'`), { code: 'EINVAL' })
    },
    async openDirectory(path) {
      const handle = await disk.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      const close = (): Promise<void> => handle.close()
      try {
        const held = `/proc/self/fd/${handle.fd}`
        const where = await absentAsUndefined(disk.readlink(held))
        if (where !== undefined) return { realPath: where, base: held, close }
        const realPath = await disk.realpath(path)
        return { realPath, base: realPath, close }
      } catch (error) {
        await handle.close()
        throw error
      }
    },
    readFile: (path) => disk.readFile(path),
    readDirectory: async (path) => (await disk.readdir(path)).sort(),
    async stat(path) {
      const found = await absentAsUndefined(disk.stat(path))
      if (found === undefined) return undefined
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
      return { kind, size: found.size, mtimeMs: found.mtimeMs, inode: found.ino }
    },
    async makeDirectory(path) {
      await disk.mkdir(path, { recursive: true })
    },
    rename: (from, to) => disk.rename(from, to),
    async remove(path) {
      await absentAsUndefined(disk.unlink(path))
    },
    async syncDirectory(path) {
      // Linux syncs a folder through a descriptor that was opened for reading.
      const handle = await disk.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    realPath: (path) => disk.realpath(path),
  }
}

function nodeHandle(handle: disk.FileHandle): FileHandle {
  return {
    write: (bytes, position) => writeSync(openDescriptor(handle), bytes, 0, bytes.byteLength, position),
    async read(target, position) {
      let filled = 0
      while (filled < target.byteLength) {
        const { bytesRead } = await handle.read(target, filled, target.byteLength - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  }
}

/** A closed handle has the descriptor -1, which writeSync refuses as a wrong argument rather than as a closed file. */
function openDescriptor(handle: disk.FileHandle): number {
  if (handle.fd < 0) throw Object.assign(new Error('EBADF: the file is closed, write'), { code: 'EBADF' })
  return handle.fd
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
