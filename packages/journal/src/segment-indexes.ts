import type { FileSystem } from '@vigil/protocol'
import { LRUCache } from 'lru-cache'
import { writeFully } from './atomic-file.ts'
import { decodeColumns, decodeFront, type EncodedIndex, encodeIndex, type Front, frontLength } from './index-codec.ts'
import { damaged, firstOf, sidecarOf } from './segment-files.ts'
import type { Columns, SegmentIndex } from './segment-index.ts'
import { type SegmentIndexBuilder, segmentIndexBuilder } from './segment-index-builder.ts'
import { readSegment } from './segment-reader.ts'

/**
 * The indexes of sealed segments. Each lies beside its segment as a sidecar, which may be missing, old or damaged: then
 * the segment itself says again what was in it, and the sidecar is written anew. What was used last is kept at hand.
 */
export interface SegmentIndexes {
  /** @throws JOURNAL_DAMAGED when the segment itself cannot be read whole */
  of(segment: Sealed): Promise<SegmentIndex>
  /** Forgets what the sidecar said: the segment has something else. */
  rebuild(segment: Sealed): Promise<SegmentIndex>
  /** A segment is full: its sidecar is written behind the back of everybody. */
  seal(path: string, index: SegmentIndexBuilder): void
  /** Resolves when no sidecar is being written. */
  idle(): Promise<void>
}

export interface Sealed {
  readonly path: string
  readonly lastSeq: number
}

const frontsBytes = 16 * 1_048_576
const columnsBytes = 64 * 1_048_576
const firstReadBytes = 65_536

export function segmentIndexes(fileSystem: FileSystem): SegmentIndexes {
  const fronts = new LRUCache<string, Front>({ maxSize: frontsBytes, sizeCalculation: ({ length }) => length })
  const columns = new LRUCache<string, Columns>({
    maxSize: columnsBytes,
    sizeCalculation: ({ offsets }) => 1 + offsets.buffer.byteLength,
  })
  const building = new Map<string, Promise<SegmentIndex>>()
  let writing: Promise<void> = Promise.resolve()

  const indexOf = (path: string, front: Front): SegmentIndex => ({
    ...front,
    columns: async () => columns.get(path) ?? (await loadColumns(path, front)),
  })

  const loadColumns = async (path: string, front: Front): Promise<Columns> => {
    const bytes = await readPart(fileSystem, sidecarOf(path), { from: front.length, length: front.columnBytes })
    const found = bytes === undefined ? undefined : decodeColumns(bytes, front)
    if (found === undefined) return await (await build(path, front.first + front.count - 1)).columns()
    columns.set(path, found)
    return found
  }

  const keep = (path: string, index: SegmentIndexBuilder): SegmentIndex => {
    const encoded = encodeIndex(index)
    const front = decodeFront(encoded.front) as Front
    fronts.set(path, front)
    columns.set(path, decodeColumns(encoded.columns, front) as Columns)
    writing = writing.then(() => writeSidecar(fileSystem, sidecarOf(path), encoded))
    return indexOf(path, front)
  }

  const build = (path: string, lastSeq: number): Promise<SegmentIndex> => {
    const known = building.get(path)
    if (known !== undefined) return known
    const index = buildIndex(fileSystem, { path, lastSeq })
      .then((built) => keep(path, built))
      .finally(() => building.delete(path))
    building.set(path, index)
    return index
  }

  return {
    async of({ path, lastSeq }) {
      const front = fronts.get(path) ?? (await readFront(fileSystem, sidecarOf(path)))
      if (front === undefined || front.first + front.count - 1 !== lastSeq) return build(path, lastSeq)
      fronts.set(path, front)
      return indexOf(path, front)
    },
    rebuild({ path, lastSeq }) {
      fronts.delete(path)
      columns.delete(path)
      return build(path, lastSeq)
    },
    seal: (path, index) => void keep(path, index),
    idle: () => writing,
  }
}

/** What the segment itself says. */
export async function buildIndex(fileSystem: FileSystem, { path, lastSeq }: Sealed): Promise<SegmentIndexBuilder> {
  const index = segmentIndexBuilder(firstOf(path))
  const reading = await readSegment(fileSystem, path, { after: Number.POSITIVE_INFINITY, passed: index.add })
  const isWhole = reading?.lastSeq === lastSeq && reading.badUpTo === reading.goodBytes
  if (!isWhole) throw damaged(path, reading?.goodBytes ?? 0)
  return index
}

async function readFront(fileSystem: FileSystem, path: string): Promise<Front | undefined> {
  const begin = await readPart(fileSystem, path, { from: 0, length: firstReadBytes })
  const length = begin === undefined ? undefined : frontLength(begin)
  if (begin === undefined || length === undefined) return undefined
  const whole =
    length <= begin.length ? begin.subarray(0, length) : await readPart(fileSystem, path, { from: 0, length })
  return whole === undefined ? undefined : decodeFront(Buffer.from(whole))
}

/** As much of it as there is; undefined without the file. What a disk cannot read is as good as not there. */
async function readPart(
  fileSystem: FileSystem,
  path: string,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<Buffer | undefined> {
  try {
    const handle = await fileSystem.open(path, 'read')
    try {
      const size = await handle.size()
      const bytes = Buffer.alloc(Math.min(length, Math.max(0, size - from)))
      return bytes.subarray(0, await handle.read(bytes, from))
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}

/**
 * Neither draft nor sync: what a crash leaves of it fails its checksum, and a sync would make appends wait. A disk without
 * room has no sidecar.
 */
async function writeSidecar(fileSystem: FileSystem, path: string, { front, columns }: EncodedIndex): Promise<void> {
  try {
    const handle = await fileSystem.open(path, 'write')
    try {
      await handle.truncate(0)
      writeFully(handle, front, 0)
      writeFully(handle, columns, front.length)
    } finally {
      await handle.close()
    }
  } catch {
    await fileSystem.remove(path).catch(() => undefined)
  }
}
