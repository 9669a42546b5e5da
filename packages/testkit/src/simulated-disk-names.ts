import type { File, Kept } from './simulated-disk.ts'

/**
 * Names of the simulated disk. A name that was made, moved or removed is seen at once and durable when its folder is
 * synced. Until then each such change stands alone: a crash may undo any of them and leave the others, in whatever
 * order they were made. A move is one change: no journaling file system loses the file between its two names.
 */
export interface Directory {
  readonly kind: 'directory'
  readonly inode: number
  names: Map<string, File | Directory>
  synced: Map<string, File | Directory>
}

/** What a name stands for from now on; undefined: nothing. */
export interface Entry {
  readonly folder: Directory
  readonly name: string
  readonly node: File | Directory | undefined
}

export interface NameTree {
  readonly root: Directory
  /** What is at a path, or undefined. */
  at(path: string): File | Directory | undefined
  /** One change that survives as a whole or not at all, unless its folders are synced at different times. */
  change(path: string, entries: readonly Entry[]): void
  sync(folder: Directory): void
  /** What all files hold together. */
  usedBytes(): number
  /** Makes the tree what its disk holds, files and all. */
  crash(kept: Kept): void
}

export const newDirectory = (inode: number): Directory => ({
  kind: 'directory',
  inode,
  names: new Map(),
  synced: new Map(),
})

export function nameTree(rootInode: number): NameTree {
  const root = newDirectory(rootInode)
  let unsynced: { readonly path: string; readonly entries: readonly Entry[] }[] = []

  return {
    root,
    at(path) {
      let node: File | Directory | undefined = root
      for (const name of partsOf(path)) {
        if (node?.kind !== 'directory') return undefined
        node = node.names.get(name)
      }
      return node
    },
    change(path, entries) {
      for (const entry of entries) put(entry.folder.names, entry)
      unsynced.push({ path, entries })
    },
    sync(folder) {
      for (const { entries } of unsynced)
        for (const entry of entries) if (entry.folder === folder) put(folder.synced, entry)
      unsynced = unsynced
        .map(({ path, entries }) => ({ path, entries: entries.filter((entry) => entry.folder !== folder) }))
        .filter(({ entries }) => entries.length > 0)
    },
    usedBytes: () => bytesUnder(root),
    crash(kept) {
      const { keepNames } = kept
      const keep = typeof keepNames === 'function' ? keepNames : () => keepNames
      for (const { path, entries } of unsynced) {
        if (keep(path)) for (const entry of entries) put(entry.folder.synced, entry)
      }
      unsynced = []
      restore(root, kept)
    },
  }
}

const bytesUnder = (folder: Directory): number =>
  [...folder.names.values()].reduce(
    (sum, node) => sum + (node.kind === 'directory' ? bytesUnder(node) : node.content().byteLength),
    0,
  )

function put(names: Map<string, File | Directory>, { name, node }: Entry): void {
  if (node === undefined) names.delete(name)
  else names.set(name, node)
}

function restore(directory: Directory, kept: Kept): void {
  directory.names = new Map(directory.synced)
  for (const node of directory.names.values()) {
    if (node.kind === 'directory') restore(node, kept)
    else node.lose(kept)
  }
}

export const partsOf = (path: string): string[] => path.split('/').filter(Boolean)

export function parentOf(path: string): { readonly parent: string; readonly name: string } {
  const parts = partsOf(path)
  return { parent: `/${parts.slice(0, -1).join('/')}`, name: parts.at(-1) ?? '' }
}
