/**
 * Inodes of the simulated disk: what a running machine sees, and what would be left of it after a crash. A synced
 * image shares the bytes of its file until somebody overwrites them, so that a long log is not copied at each sync.
 */
export interface File {
  readonly kind: 'file'
  readonly inode: number
  mtimeMs(): number
  content(): Uint8Array
  write(bytes: Uint8Array, position: number, stamp: number): void
  truncate(length: number, stamp: number): void
  /** Takes the image of this moment; the answer makes it the one that survives. */
  beginSync(): () => void
  /** What survives a crash: the synced image, and what `Kept` says of the rest. */
  lose(kept: Kept): void
}

/** What a disk wrote that it was not yet asked for. */
export interface Kept {
  /** So many bytes at the end of each file that was appended to. */
  readonly keepBytes: number
  readonly keepNames: boolean
  /** Asked for each sector that was changed, in order: pages reach the disk in any order. */
  readonly keepSector: (() => boolean) | undefined
  readonly sectorBytes: number
}

export interface Directory {
  readonly kind: 'directory'
  readonly inode: number
  names: Map<string, File | Directory>
  synced: Map<string, File | Directory>
}

interface Image {
  readonly length: number
  /** Own copy, once the shared bytes were overwritten. */
  copy?: Uint8Array
}

export const newDirectory = (inode: number): Directory => ({
  kind: 'directory',
  inode,
  names: new Map(),
  synced: new Map(),
})

export function newFile(inode: number, stamp: number): File {
  let bytes = new Uint8Array(256)
  let length = 0
  let mtime = stamp
  let survivor: Image = { length: 0 }
  const underWay = new Set<Image>()

  /** Called before bytes at or after `position` change. */
  const preserve = (position: number): void => {
    for (const image of [survivor, ...underWay]) {
      if (position < image.length) image.copy ??= bytes.slice(0, image.length)
    }
  }
  const resize = (next: number): void => {
    if (next > bytes.byteLength) {
      const larger = new Uint8Array(Math.max(next, 2 * bytes.byteLength))
      larger.set(bytes.subarray(0, length))
      bytes = larger
    }
    bytes.fill(0, Math.min(length, next), Math.max(length, next))
    length = next
  }

  return {
    kind: 'file',
    inode,
    mtimeMs: () => mtime,
    content: () => bytes.subarray(0, length),
    write(added, position, at) {
      preserve(position)
      if (position + added.byteLength > length) resize(position + added.byteLength)
      bytes.set(added, position)
      mtime = at
    },
    truncate(next, at) {
      preserve(next)
      resize(next)
      mtime = at
    },
    beginSync() {
      const image: Image = { length }
      underWay.add(image)
      return () => {
        underWay.delete(image)
        survivor = image
      }
    },
    lose(kept) {
      const disk = (survivor.copy ?? bytes).slice(0, survivor.length)
      const left = survivingBytes(disk, bytes.subarray(0, length), kept)
      bytes = new Uint8Array(Math.max(256, left.byteLength))
      bytes.set(left)
      length = left.byteLength
      survivor = { length }
      underWay.clear()
    },
  }
}

function survivingBytes(disk: Uint8Array, cache: Uint8Array, kept: Kept): Uint8Array {
  const { keepBytes, keepSector, sectorBytes } = kept
  let left = disk
  const take = (from: number, to: number): void => {
    if (to > left.byteLength) {
      const longer = new Uint8Array(to)
      longer.set(left)
      left = longer
    }
    left.set(cache.subarray(from, to), from)
  }
  if (keepBytes > 0 && cache.byteLength > disk.byteLength)
    take(disk.byteLength, Math.min(cache.byteLength, disk.byteLength + keepBytes))
  if (keepSector === undefined) return left
  for (let from = 0; from < cache.byteLength; from += sectorBytes) {
    const to = Math.min(cache.byteLength, from + sectorBytes)
    const changed = to > disk.byteLength || Buffer.compare(cache.subarray(from, to), disk.subarray(from, to)) !== 0
    if (changed && keepSector()) take(from, to)
  }
  return left
}

/** What is at a path, or undefined. */
export function fileAt(root: Directory, path: string): File | Directory | undefined {
  let node: File | Directory | undefined = root
  for (const name of path.split('/').filter(Boolean)) {
    if (node?.kind !== 'directory') return undefined
    node = node.names.get(name)
  }
  return node
}

export function parentOf(path: string): { readonly parent: string; readonly name: string } {
  const parts = path.split('/').filter(Boolean)
  return { parent: `/${parts.slice(0, -1).join('/')}`, name: parts.at(-1) ?? '' }
}

/** Makes a tree what its disk holds. */
export function restore(directory: Directory, kept: Kept): void {
  directory.names = new Map(kept.keepNames ? directory.names : directory.synced)
  directory.synced = new Map(directory.names)
  for (const node of directory.names.values()) {
    if (node.kind === 'directory') restore(node, kept)
    else node.lose(kept)
  }
}

export const systemError = (code: string, reason: string, path: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${reason} '${path}'`), { code, path })
