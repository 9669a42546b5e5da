/**
 * Files of the simulated disk: what a running machine sees, and what would be left of it after a crash. A synced
 * image shares the bytes of its file, but for the pages that somebody has overwritten: a long log is not copied at each sync.
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
  /**
   * A sync failed. Linux then takes the pages for clean: they are read as they were written, but no later sync brings
   * them to the disk, though it succeeds, unless they are written once more.
   */
  failSync(): void
  /** What survives a crash: the synced image, and what `Kept` says of the rest. */
  lose(kept: Kept): void
}

/** What a disk wrote that it was not yet asked for. */
export interface Kept {
  /** So many bytes at the end of each file that was appended to. */
  readonly keepBytes: number
  /** All changed names, none, or asked for each change (its path; of a move, where it came from), in order. */
  readonly keepNames: boolean | ((path: string) => boolean)
  /** Asked for each sector that was changed, in order: pages reach the disk in any order. */
  readonly keepSector: (() => boolean) | undefined
  readonly sectorBytes: number
}

interface Image {
  readonly length: number
  /** Pages that are not those of the file any more. */
  readonly pages: Map<number, Uint8Array>
}

const newImage = (length: number): Image => ({ length, pages: new Map() })

const pageBytes = 4_096
const pageOf = (position: number): number => Math.floor(position / pageBytes)

export function newFile(inode: number, stamp: number): File {
  let bytes = new Uint8Array(256)
  let length = 0
  let mtime = stamp
  let survivor = newImage(0)
  const underWay = new Set<Image>()
  /** Pages that a failed sync gave up. */
  const abandoned = new Set<number>()

  const preserveIn = ({ length, pages }: Image, from: number, to: number): void => {
    const end = Math.min(to, length)
    for (let page = pageOf(from); page * pageBytes < end; page += 1)
      if (!pages.has(page)) pages.set(page, bytes.slice(page * pageBytes, Math.min(length, (page + 1) * pageBytes)))
  }
  /** Called before bytes between these positions change. */
  const preserve = (from: number, to: number): void => {
    preserveIn(survivor, from, to)
    for (const image of underWay) preserveIn(image, from, to)
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

  const onDisk = (): Uint8Array => {
    const disk = new Uint8Array(survivor.length)
    disk.set(bytes.subarray(0, survivor.length))
    for (const [page, old] of survivor.pages) disk.set(old, page * pageBytes)
    return disk
  }
  /** What a sync writes: everything, except pages that are taken for clean. */
  const writtenBack = (): Image => {
    const image = newImage(length)
    if (abandoned.size === 0) return image
    const disk = onDisk()
    for (const page of abandoned) {
      const [from, to] = [page * pageBytes, Math.min(length, (page + 1) * pageBytes)]
      if (from >= to) continue
      const old = new Uint8Array(to - from)
      old.set(disk.subarray(from, to))
      image.pages.set(page, old)
    }
    return image
  }

  return {
    kind: 'file',
    inode,
    mtimeMs: () => mtime,
    content: () => bytes.subarray(0, length),
    write(added, position, at) {
      preserve(position, position + added.byteLength)
      if (position + added.byteLength > length) resize(position + added.byteLength)
      bytes.set(added, position)
      for (let page = pageOf(position); page * pageBytes < position + added.byteLength; page += 1)
        abandoned.delete(page)
      mtime = at
    },
    truncate(next, at) {
      preserve(next, Number.POSITIVE_INFINITY)
      resize(next)
      for (const page of abandoned) if (page >= pageOf(next)) abandoned.delete(page)
      mtime = at
    },
    beginSync() {
      const image = writtenBack()
      underWay.add(image)
      return () => {
        underWay.delete(image)
        survivor = image
      }
    },
    failSync() {
      const disk = onDisk()
      for (let from = 0; from < length; from += pageBytes) {
        const to = Math.min(length, from + pageBytes)
        const written = to <= disk.byteLength && Buffer.compare(bytes.subarray(from, to), disk.subarray(from, to)) === 0
        if (!written) abandoned.add(pageOf(from))
      }
    },
    lose(kept) {
      const disk = onDisk()
      const left = survivingBytes(disk, bytes.subarray(0, length), kept)
      bytes = new Uint8Array(Math.max(256, left.byteLength))
      bytes.set(left)
      length = left.byteLength
      survivor = newImage(length)
      underWay.clear()
      abandoned.clear()
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

export const systemError = (code: string, reason: string, path: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${reason} '${path}'`), { code, path })
