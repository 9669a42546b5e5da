import type { FileHandle, FileSystem } from '@vigil/protocol'
import { armedFaults, type DiskFaults, type FileOperation } from './disk-faults.ts'
import { type File, type Kept, newFile, systemError } from './simulated-disk.ts'
import { type Directory, nameTree, newDirectory, parentOf, partsOf } from './simulated-disk-names.ts'

/**
 * A disk in memory that forgets like a real one. What is written lies in a page cache and is lost at `crash` unless it
 * was synced; a name that was made, moved or removed is undone unless its folder was synced. No links.
 *
 * What each fault asks of the house:
 * - SURVIVE, nothing acknowledged is lost and nobody has to do anything: a crash (`crash`, `cutPower`) and a killed
 *   process (`kill`); lost names (`keepNames`); torn writes (`keepBytes`, `keepSector`); short writes
 *   (`mostBytesPerWrite`, `shorten`); slow syncs (`slowSyncs`, `holdSyncs`); a full disk (`full`), which is waited for.
 * - STOP with an error of the table, and survive after a restart when the disk is well again: a
 *   failing call, once or from now on (`failNext`, `failFrom`: EIO). After a failed sync the pages are taken for
 *   clean, as Linux does: a successor that reads them has to write them again before a sync means anything.
 * - DETECT and refuse, rather than go on with what is false: a misdirected write (`misdirectNext`), flipped bytes (a
 *   write through a handle of one's own). What such a write erased at the very end of a log, with nothing readable written
 *   behind it later, cannot be told from a torn write; that is the one loss that is allowed.
 */
export interface SimulatedFileSystem extends FileSystem, DiskFaults {
  /**
   * The machine dies and comes back: unsynced data and names are gone, handles of before are dead (EBADF), armed
   * faults are forgotten. A kinder disk may have written more than was asked for: `keepBytes` lets so many
   * unsynced bytes survive at the end of each file, `keepNames` every name or those it says, also without their data,
   * and `keepSector` is asked for each sector (`sectorBytes`, default 512) that was written and not synced.
   */
  crash(kept?: Partial<Kept>): void
  /** The process dies and the machine does not: handles are dead, what was written stays in the page cache. */
  kill(): void
  /** How many files are open. */
  openHandles(): number
}

export type { DiskFaults, FileOperation } from './disk-faults.ts'

export interface SimulatedFileSystemOptions {
  /** Writes take at most this many bytes per call; default all. */
  readonly mostBytesPerWrite?: number
  /** How many of so many bytes a write takes; at least 1 and at most all are taken, whatever it says. */
  readonly shorten?: (bytes: number) => number
  /**
   * Called before each operation. What it throws, the operation throws; when it calls `crash` or `kill`, the
   * operation comes too late and fails with EBADF.
   */
  readonly onOperation?: (operation: FileOperation, path: string) => void
  /** Wall time for mtimes; default a count of changes. */
  readonly now?: () => number
}

export function simulatedFileSystem(options: SimulatedFileSystemOptions = {}): SimulatedFileSystem {
  const tree = nameTree(1)
  const faults = armedFaults(tree.usedBytes)
  let lastInode = 1
  let life = 0
  let handles = 0

  const begin = (operation: FileOperation, path: string, failed?: () => void): void => {
    const born = life
    options.onOperation?.(operation, path)
    if (born !== life) throw systemError('EBADF', `the caller died, ${operation}`, path)
    faults.begin(operation, path, failed)
  }
  const stamp = (): number => options.now?.() ?? faults.controls.operations()

  /** How much of a write that lands at `position` is taken. */
  const takenBytes = (file: File, offered: number, position: number, path: string): number => {
    const most = Math.min(offered, options.mostBytesPerWrite ?? offered)
    const taken = Math.min(most, Math.max(1, options.shorten?.(most) ?? most))
    const length = file.content().byteLength
    const growth = position + taken - length
    if (growth <= 0) return taken
    const possible = taken - growth + Math.max(0, Math.min(growth, faults.room()))
    if (possible <= 0) throw systemError('ENOSPC', 'no space left on device, write', path)
    return possible
  }

  const open = (file: File, path: string): FileHandle => {
    const born = life
    let closed = false
    handles += 1
    const assertOpen = (operation: string): void => {
      if (closed || born !== life) throw systemError('EBADF', `the file is closed, ${operation}`, path)
    }
    const check = (operation: FileOperation, failed?: () => void): void => {
      assertOpen(operation)
      begin(operation, path, failed)
    }
    return {
      write(bytes, position) {
        check('write')
        const landing = faults.landing(position)
        const taken = takenBytes(file, bytes.byteLength, landing, path)
        file.write(bytes.subarray(0, taken), landing, stamp())
        return taken
      },
      async read(target, position) {
        check('read')
        const found = file.content().subarray(position, position + target.byteLength)
        target.set(found)
        return found.byteLength
      },
      async sync() {
        check('sync', file.failSync)
        const commit = file.beginSync()
        await faults.syncing(path)
        if (born !== life) throw systemError('EIO', 'the power went off, sync', path)
        commit()
      },
      async truncate(length) {
        check('truncate')
        file.truncate(length, stamp())
      },
      async size() {
        assertOpen('fstat')
        return file.content().byteLength
      },
      async close() {
        if (!closed && born === life) handles -= 1
        closed = true
      },
    }
  }

  const directoryAt = (path: string, operation: string): Directory => {
    const node = tree.at(path)
    if (node === undefined) throw systemError('ENOENT', `no such file or directory, ${operation}`, path)
    if (node.kind !== 'directory') throw systemError('ENOTDIR', `not a directory, ${operation}`, path)
    return node
  }
  const place = (path: string, operation: FileOperation): { folder: Directory; name: string } => {
    const { parent, name } = parentOf(path)
    return { folder: directoryAt(parent, operation), name }
  }

  return {
    ...faults.controls,
    async open(path, mode) {
      begin('open', path)
      const { folder, name } = place(path, 'open')
      const found = folder.names.get(name)
      if (found?.kind === 'directory' && mode === 'plain') throw systemError('EINVAL', 'not a plain file, open', path)
      if (found?.kind === 'directory') throw systemError('EISDIR', 'illegal operation on a directory, open', path)
      if (found === undefined && (mode === 'read' || mode === 'plain'))
        throw systemError('ENOENT', 'no such file or directory, open', path)
      if (found !== undefined && mode === 'create') throw systemError('EEXIST', 'file already exists, open', path)
      if (found !== undefined) return open(found, path)
      const file = newFile(++lastInode, stamp())
      tree.change(path, [{ folder, name, node: file }])
      return open(file, path)
    },
    async openDirectory(path) {
      begin('openDirectory', path)
      directoryAt(path, 'open')
      const realPath = `/${partsOf(path).join('/')}`
      const born = life
      handles += 1
      const close = async (): Promise<void> => {
        if (born === life) handles -= 1
      }
      return { realPath, base: realPath, close }
    },
    async readFile(path) {
      begin('readFile', path)
      const file = tree.at(path)
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
      const node = tree.at(path)
      if (node === undefined) return undefined
      const size = node.kind === 'file' ? node.content().byteLength : 0
      return { kind: node.kind, size, mtimeMs: node.kind === 'file' ? node.mtimeMs() : 0, inode: node.inode }
    },
    async makeDirectory(path) {
      begin('makeDirectory', path)
      let folder = tree.root
      for (const name of partsOf(path)) {
        const found = folder.names.get(name)
        if (found?.kind === 'file') throw systemError('EEXIST', 'file already exists, mkdir', path)
        const node = found ?? newDirectory(++lastInode)
        if (found === undefined) tree.change(path, [{ folder, name, node }])
        folder = node
      }
    },
    async rename(from, to) {
      begin('rename', from)
      const source = place(from, 'rename')
      const target = place(to, 'rename')
      const node = source.folder.names.get(source.name)
      if (node === undefined) throw systemError('ENOENT', 'no such file or directory, rename', from)
      tree.change(from, [
        { ...source, node: undefined },
        { ...target, node },
      ])
    },
    async remove(path) {
      begin('remove', path)
      const { parent, name } = parentOf(path)
      const folder = tree.at(parent)
      if (folder?.kind === 'directory' && folder.names.has(name)) tree.change(path, [{ folder, name, node: undefined }])
    },
    async syncDirectory(path) {
      begin('syncDirectory', path)
      tree.sync(directoryAt(path, 'open'))
    },
    async realPath(path) {
      begin('realPath', path)
      if (tree.at(path) === undefined) throw systemError('ENOENT', 'no such file or directory, realpath', path)
      return `/${partsOf(path).join('/')}`
    },
    crash(kept = {}) {
      life += 1
      handles = 0
      faults.crash()
      tree.crash({ keepBytes: 0, keepNames: false, keepSector: undefined, sectorBytes: 512, ...kept })
    },
    kill() {
      life += 1
      handles = 0
      faults.kill()
    },
    openHandles: () => handles,
  }
}
