import { join } from 'node:path'
import { type FileHandle, type FileSystem, faultPoint } from '@vigil/protocol'
import { writeFully } from './atomic-file.ts'
import { isDiskFull } from './disk-failure.ts'
import type { WrittenLines } from './growing-segment.ts'
import { encodeHeader, lineSealer } from './record-codec.ts'
import { segmentName } from './segment-files.ts'

/** Appends to the last segment and begins the next one when it is full. Knows positions, not records. */
export interface SegmentWriter {
  /**
   * Writes the lines of these bodies and makes them durable; a new segment's name is durable before they are. On a full disk it
   * rejects with the log back at its last good offset, and may be called again.
   */
  write(bodies: readonly string[], firstSeq: number): Promise<WrittenLines>
  close(): Promise<void>
}

export interface OpenSegment {
  readonly path: string
  readonly handle: FileHandle
  readonly position: number
  /** crc of the last line, which the next one continues. */
  readonly chain: number
  /** Length of the file: behind `position` it is blank. */
  readonly roomUpTo: number
}

const room = Buffer.alloc(262_144, '\n')

/**
 * A segment is made longer ahead of its lines, by newlines, which every reader of JSON lines passes over: a sync that does
 * not have to record a new length takes half the time. Returns how much it got: a disk that is almost full gives less.
 */
function makeRoom(handle: FileHandle, end: number, segmentBytes: number): number {
  const more = room.subarray(0, Math.max(0, segmentBytes - end))
  try {
    return more.length === 0 ? 0 : handle.write(more, end)
  } catch (error) {
    if (isDiskFull(error)) return 0
    throw error
  }
}

export async function createSegment(
  fileSystem: FileSystem,
  directory: string,
  first: number,
  chain: number,
): Promise<OpenSegment> {
  const path = join(directory, segmentName(first))
  const handle = await fileSystem.open(path, 'write')
  try {
    const header = Buffer.from(encodeHeader(first, chain).text)
    await handle.truncate(0)
    writeFully(handle, header, 0)
    await handle.sync()
    await fileSystem.syncDirectory(directory)
    return { path, handle, position: header.length, chain, roomUpTo: header.length }
  } catch (error) {
    await handle.close()
    throw error
  }
}

export function segmentWriter(
  fileSystem: FileSystem,
  directory: string,
  segmentBytes: number,
  opened: OpenSegment,
): SegmentWriter {
  let { path, handle, position, chain, roomUpTo } = opened
  let broken = false
  const seal = lineSealer()

  const finish = async (): Promise<void> => {
    // Only for who reads the file with other tools: room that stays is passed over.
    await handle.truncate(position).catch(() => undefined)
    await handle.close()
  }

  const append = async (bodies: readonly string[], firstSeq: number): Promise<WrittenLines> => {
    if (position >= segmentBytes) {
      const next = await createSegment(fileSystem, directory, firstSeq, chain)
      await finish()
      ;({ path, handle, position, roomUpTo } = next)
      faultPoint('journal.segment.created')
    }
    const sealed = seal(bodies, chain)
    const start = position
    faultPoint('journal.flush.before_write')
    writeFully(handle, sealed.bytes, position)
    const end = position + sealed.bytes.length
    if (end > roomUpTo) roomUpTo = end + makeRoom(handle, end, segmentBytes)
    faultPoint('journal.flush.before_sync')
    await handle.sync()
    faultPoint('journal.flush.after_sync')
    position = end
    chain = sealed.chain
    return { path, firstSeq, start, ends: sealed.ends }
  }

  return {
    async write(bodies, firstSeq) {
      broken = true
      try {
        const written = await append(bodies, firstSeq)
        broken = false
        return written
      } catch (error) {
        if (!isDiskFull(error)) throw error
        // Pages that a failed sync gave up are cut off with it: the next flush writes them anew.
        await handle.truncate(position)
        roomUpTo = position
        broken = false
        throw error
      }
    },
    // After a failed write nobody knows what the file holds: it is left for the next start.
    close: () => (broken ? handle.close() : finish()),
  }
}
