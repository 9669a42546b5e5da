import { crc32 } from 'node:zlib'
import type { FileSystem } from '@vigil/protocol'
import { decodeFront, encodeIndex, frontLength } from '../index-codec.ts'
import { sidecarOf } from '../segment-files.ts'
import { buildIndex, type Sealed } from '../segment-indexes.ts'

/** `torn`: a crash left it so, and it fails its own checksums; `wrong`: it is whole and says something else than its segment. */
export type SidecarState = 'absent' | 'torn' | 'whole' | 'wrong'

/** Compares the sidecar of a sealed segment that is whole with what the segment itself says. */
export async function sidecarState(fileSystem: FileSystem, segment: Sealed): Promise<SidecarState> {
  const path = sidecarOf(segment.path)
  // Retention takes both, behind the back of who reads.
  for (const each of [segment.path, path]) if ((await fileSystem.stat(each)) === undefined) return 'absent'
  const bytes = Buffer.from(await fileSystem.readFile(path))
  if (!isIntact(bytes)) return 'torn'
  const { front, columns } = encodeIndex(await buildIndex(fileSystem, segment))
  return bytes.equals(Buffer.concat([front, columns])) ? 'whole' : 'wrong'
}

function isIntact(bytes: Buffer): boolean {
  const length = frontLength(bytes)
  const front = length === undefined ? undefined : decodeFront(bytes.subarray(0, length))
  return front !== undefined && Number.parseInt(front.columnCrc, 16) === crc32(bytes.subarray(front.length))
}
