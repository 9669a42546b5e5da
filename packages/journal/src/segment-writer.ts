import { join } from 'node:path'
import type { FileHandle, FileSystem } from '@vigil/protocol'
import { writeFully } from './atomic-file.ts'
import { encodeHeader, lineSealer } from './record-codec.ts'

/** Appends to the last segment and begins the next one when it is full. Knows positions, not records. */
export interface SegmentWriter {
  /** Writes the lines of these bodies and makes them durable; a new segment's name is durable before they are. */
  write(bodies: readonly string[], firstSeq: number): Promise<void>
  close(): Promise<void>
}

export interface OpenSegment {
  readonly handle: FileHandle
  readonly position: number
  /** crc of the last line, which the next one continues. */
  readonly chain: number
}

export const segmentName = (first: number): string => `${String(first).padStart(16, '0')}.jsonl`

export async function createSegment(
  fileSystem: FileSystem,
  directory: string,
  first: number,
  chain: number,
): Promise<OpenSegment> {
  const handle = await fileSystem.open(join(directory, segmentName(first)), 'write')
  try {
    const header = Buffer.from(encodeHeader(first, chain).text)
    await handle.truncate(0)
    writeFully(handle, header, 0)
    await handle.sync()
    await fileSystem.syncDirectory(directory)
    return { handle, position: header.length, chain }
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
  let { handle, position, chain } = opened
  const seal = lineSealer()
  return {
    async write(bodies, firstSeq) {
      if (position >= segmentBytes) {
        const next = await createSegment(fileSystem, directory, firstSeq, chain)
        await handle.close()
        handle = next.handle
        position = next.position
      }
      const sealed = seal(bodies, chain)
      writeFully(handle, sealed.bytes, position)
      position += sealed.bytes.length
      chain = sealed.chain
      await handle.sync()
    },
    close: () => handle.close(),
  }
}
