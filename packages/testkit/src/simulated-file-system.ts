import type { FileHandle, FileSystem } from '@vigil/protocol'
import {
  type Directory,
  type File,
  fileAt,
  type Kept,
  newDirectory,
  newFile,
  parentOf,
  restore,
  systemError,
} from './simulated-disk.ts'

/**
 * A disk in memory that forgets like a real one. What is written lies in a page cache and is lost at `crash` unless it
 * was synced; a name that was made, moved or removed is undone unless its folder was synced. No links.
 */
export type FileOperation = keyof FileSystem | Exclude<keyof FileHandle, 'size' | 'close'>

export interface SimulatedFileSystem extends FileSystem {
  /**
   * The machine dies and comes back: unsynced data and names are gone, handles of before are dead (EBADF), armed
   * faults are forgotten. A kinder disk may have written more than was asked for: `keepBytes` lets so many
   * unsynced bytes survive at the end of each file, `keepNames` every name, also without its data, and `keepSector`
   * is asked for each sector (`sectorBytes`, default 512) that was written and not synced.
   */
  crash(kept?: Partial<Kept>): void
  /** The process dies and the machine does not: handles are dead, what was written stays in the page cache. */
  kill(): void
  /** How many files are open. */
  openHandles(): number
  /** The `nth` (default 1) call of an operation from now fails with a system code and has no effect. */
  failNext(fault: { readonly operation: FileOperation; readonly code: string; readonly nth?: number }): void
  /** After so many more changing operations every operation fails until `crash`: the moment between two operations. */
  cutPower(after: { readonly operations: number }): void
  /** How many changing operations were done so far. */
  operations(): number
  /** Stops every sync until `release`; `arrived` resolves when the first one waits. */
  holdSyncs(): { readonly arrived: Promise<void>; release(): void }
}

export interface SimulatedFileSystemOptions {
  /** Writes take at most this many bytes per call; default all. */
  readonly mostBytesPerWrite?: number
  /** Wall time for mtimes; default a count of changes. */
  readonly now?: () => number
}

const changing = new Set<FileOperation>([
  'open',
  'write',
  'sync',
  'truncate',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
])

interface Fault {
  readonly operation: FileOperation
  readonly code: string
  left: number
}

export function simulatedFileSystem(options: SimulatedFileSystemOptions = {}): SimulatedFileSystem {
  const root = newDirectory(1)
  let lastInode = 1
  let life = 0
  let handles = 0
  let done = 0
  let powerEndsAt = Number.POSITIVE_INFINITY
  let faults: Fault[] = []
  let held: { promise: Promise<void>; arrived: () => void } | undefined

  const begin = (operation: FileOperation, path: string): void => {
    const changes = changing.has(operation)
    if (done >= powerEndsAt && (changes || powerEndsAt !== Number.POSITIVE_INFINITY))
      throw systemError('EIO', `the power is off, ${operation}`, path)
    const due = faults.find((fault) => fault.operation === operation && --fault.left === 0)
    faults = faults.filter((fault) => fault.left > 0)
    if (due !== undefined) throw systemError(due.code, `a fault was asked for, ${operation}`, path)
    if (changes) done += 1
  }
  const stamp = (): number => options.now?.() ?? done

  const open = (file: File, path: string): FileHandle => {
    const born = life
    let closed = false
    handles += 1
    const check = (operation: FileOperation): void => {
      if (closed || born !== life) throw systemError('EBADF', `the file is closed, ${operation}`, path)
      begin(operation, path)
    }
    return {
      write(bytes, position) {
        check('write')
        const taken = bytes.subarray(0, options.mostBytesPerWrite ?? bytes.byteLength)
        file.write(taken, position, stamp())
        return taken.byteLength
      },
      async read(target, position) {
        check('read')
        const found = file.content().subarray(position, position + target.byteLength)
        target.set(found)
        return found.byteLength
      },
      async sync() {
        check('sync')
        const commit = file.beginSync()
        held?.arrived()
        await held?.promise
        // The disk works while others go on; what they write meanwhile is not part of this sync.
        await Promise.resolve()
        if (born !== life || done >= powerEndsAt) throw systemError('EIO', 'the power went off, sync', path)
        commit()
      },
      async truncate(length) {
        check('truncate')
        file.truncate(length, stamp())
      },
      async size() {
        if (closed || born !== life) throw systemError('EBADF', 'the file is closed, fstat', path)
        return file.content().byteLength
      },
      async close() {
        if (!closed && born === life) handles -= 1
        closed = true
      },
    }
  }

  const end = (): void => {
    life += 1
    handles = 0
    faults = []
    powerEndsAt = Number.POSITIVE_INFINITY
  }
  const directoryAt = (path: string, operation: string): Directory => {
    const node = fileAt(root, path)
    if (node === undefined) throw systemError('ENOENT', `no such file or directory, ${operation}`, path)
    if (node.kind !== 'directory') throw systemError('ENOTDIR', `not a directory, ${operation}`, path)
    return node
  }
  const place = (path: string, operation: FileOperation): { folder: Directory; name: string } => {
    const { parent, name } = parentOf(path)
    return { folder: directoryAt(parent, operation), name }
  }

  return {
    async open(path, mode) {
      begin('open', path)
      const { folder, name } = place(path, 'open')
      const found = folder.names.get(name)
      if (found?.kind === 'directory') throw systemError('EISDIR', 'illegal operation on a directory, open', path)
      if (found === undefined && mode === 'read') throw systemError('ENOENT', 'no such file or directory, open', path)
      if (found !== undefined && mode === 'create') throw systemError('EEXIST', 'file already exists, open', path)
      const file = found ?? newFile(++lastInode, stamp())
      folder.names.set(name, file)
      return open(file, path)
    },
    async readFile(path) {
      begin('readFile', path)
      const file = fileAt(root, path)
      if (file === undefined) throw systemError('ENOENT', 'no such file or directory, open', path)
      if (file.kind === 'directory') throw systemError('EISDIR', 'illegal operation on a directory, read', path)
      return file.content().slice()
    },
    async readDirectory(path) {
      begin('readDirectory', path)
      return [...directoryAt(path, 'scandir').names.keys()].sort()
    },
    async stat(path) {
      begin('stat', path)
      const node = fileAt(root, path)
      if (node === undefined) return undefined
      const size = node.kind === 'file' ? node.content().byteLength : 0
      return { kind: node.kind, size, mtimeMs: node.kind === 'file' ? node.mtimeMs() : 0, inode: node.inode }
    },
    async makeDirectory(path) {
      begin('makeDirectory', path)
      let folder = root
      for (const name of path.split('/').filter(Boolean)) {
        const next = folder.names.get(name) ?? newDirectory(++lastInode)
        if (next.kind === 'file') throw systemError('EEXIST', 'file already exists, mkdir', path)
        folder.names.set(name, next)
        folder = next
      }
    },
    async rename(from, to) {
      begin('rename', from)
      const source = place(from, 'rename')
      const target = place(to, 'rename')
      const node = source.folder.names.get(source.name)
      if (node === undefined) throw systemError('ENOENT', 'no such file or directory, rename', from)
      source.folder.names.delete(source.name)
      target.folder.names.set(target.name, node)
    },
    async remove(path) {
      begin('remove', path)
      const { parent, name } = parentOf(path)
      const folder = fileAt(root, parent)
      if (folder?.kind === 'directory') folder.names.delete(name)
    },
    async syncDirectory(path) {
      begin('syncDirectory', path)
      const folder = directoryAt(path, 'open')
      folder.synced = new Map(folder.names)
    },
    async realPath(path) {
      begin('realPath', path)
      if (fileAt(root, path) === undefined) throw systemError('ENOENT', 'no such file or directory, realpath', path)
      return `/${path.split('/').filter(Boolean).join('/')}`
    },
    crash(kept = {}) {
      end()
      restore(root, { keepBytes: 0, keepNames: false, keepSector: undefined, sectorBytes: 512, ...kept })
    },
    kill: end,
    openHandles: () => handles,
    failNext: ({ operation, code, nth = 1 }) => void faults.push({ operation, code, left: nth }),
    cutPower: ({ operations }) => {
      powerEndsAt = done + operations
    },
    operations: () => done,
    holdSyncs() {
      const gate = Promise.withResolvers<void>()
      const arrived = Promise.withResolvers<void>()
      held = { promise: gate.promise, arrived: arrived.resolve }
      return {
        arrived: arrived.promise,
        release() {
          held = undefined
          gate.resolve()
        },
      }
    },
  }
}
