import { join } from 'node:path'
import type { FileSystem } from '@vigil/protocol'
import { writeFully } from './atomic-file.ts'
import { isDiskFull } from './disk-failure.ts'

/** A file that holds room on the disk: it is given up when there is no other, for records that somebody was told of. */
export interface Ballast {
  /** Resolves with false when the disk has not twice its room: who took the last of it would have to give it up at once. */
  make(): Promise<boolean>
  giveUp(): Promise<void>
}

export const noBallast: Ballast = { make: () => Promise.resolve(true), giveUp: () => Promise.resolve() }

const pieceBytes = 1_048_576

export function ballastIn(fileSystem: FileSystem, directory: string, bytes: number): Ballast {
  const path = join(directory, 'ballast')
  const draft = `${path}.tmp`

  const fill = async (): Promise<void> => {
    const handle = await fileSystem.open(draft, 'create', 0o600)
    try {
      const piece = incompressible(Math.min(pieceBytes, bytes))
      for (let at = 0; at < 2 * bytes; at += piece.length) writeFully(handle, piece, at)
      await handle.truncate(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fileSystem.rename(draft, path)
    await fileSystem.syncDirectory(directory)
  }

  return {
    async make() {
      if ((await fileSystem.stat(path))?.size === bytes) return true
      await fileSystem.remove(draft)
      try {
        await fill()
        return true
      } catch (error) {
        await fileSystem.remove(draft)
        if (isDiskFull(error)) return false
        throw error
      }
    },
    async giveUp() {
      await fileSystem.remove(path)
      // Some file systems have the room only when they have written down that it is free.
      await fileSystem.syncDirectory(directory)
    },
  }
}

/** A disk that packs what it stores would hold no room for a file of zeros. */
function incompressible(bytes: number): Uint8Array {
  const piece = new Uint8Array(bytes)
  let state = 0x9e37_79b9
  for (let at = 0; at < bytes; at += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    piece[at] = state
  }
  return piece
}
