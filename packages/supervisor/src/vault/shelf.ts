import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { makeDurableDirectory, onDisk, writeFileAtomically } from '@vigil/journal'
import type { FileSystem } from '@vigil/protocol'
import type { SealedPlace } from './seal.ts'

/** Where sealed secrets lie, one file for each version: none is ever written over another. */
export interface Shelf {
  put(place: SealedPlace, sealed: Uint8Array): Promise<void>
  get(place: SealedPlace): Promise<Uint8Array | undefined>
  /** Nothing there is fine. */
  remove(place: SealedPlace): Promise<void>
  /** Takes away what is older than these, and what is left of processes that are not there. */
  keepOnly(kept: Kept): Promise<void>
}

/** Asked right before each file is taken away: meanwhile a process may have come, and have secrets. */
export interface Kept {
  readonly isThere: (process: string) => boolean
  /** The version of each that is on record; also of one that is revoked, of which nothing is kept. */
  readonly places: () => readonly SealedPlace[]
}

/** A name may hold anything, and its file says nothing of it. */
const fileOf = ({ name, version }: SealedPlace): string =>
  `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.${version}`

export function folderShelf(fileSystem: FileSystem, folder: string): Shelf {
  const pathOf = (place: SealedPlace): string => join(folder, place.process, fileOf(place))

  const names = async (path: string): Promise<string[]> =>
    (await fileSystem.stat(path)) === undefined ? [] : await fileSystem.readDirectory(path)

  return {
    put: (place, sealed) =>
      onDisk(async () => {
        await makeDurableDirectory(fileSystem, join(folder, place.process))
        await writeFileAtomically(fileSystem, pathOf(place), sealed, { permissions: 0o600 })
      }),
    async get(place) {
      const path = pathOf(place)
      return (await fileSystem.stat(path)) === undefined ? undefined : await fileSystem.readFile(path)
    },
    async remove(place) {
      const path = pathOf(place)
      if ((await fileSystem.stat(path)) === undefined) return
      await fileSystem.remove(path)
      await fileSystem.syncDirectory(join(folder, place.process))
    },
    async keepOnly({ isThere, places }) {
      for (const process of await names(folder)) {
        const inside = join(folder, process)
        for (const file of await names(inside)) {
          const path = join(inside, file)
          if (isThere(process) && !isOlder(path, places().map(pathOf))) continue
          await fileSystem.remove(path)
          await fileSystem.syncDirectory(inside)
        }
      }
    },
  }
}

/** A newer version than the record knows was never said to be kept, and stays: an older record may have been put back. */
function isOlder(file: string, kept: readonly string[]): boolean {
  const path = file.replace(/\.tmp$/, '')
  const at = path.lastIndexOf('.')
  const [start, version] = [path.slice(0, at + 1), Number(path.slice(at + 1))]
  return kept.some((each) => each.startsWith(start) && Number(each.slice(at + 1)) > version)
}

export function memoryShelf(): Shelf {
  const shelved = new Map<string, Uint8Array>()
  const idOf = (place: SealedPlace): string => `${place.process}/${fileOf(place)}`
  return {
    async put(place, sealed) {
      shelved.set(idOf(place), sealed)
    },
    get: async (place) => shelved.get(idOf(place)),
    async remove(place) {
      shelved.delete(idOf(place))
    },
    async keepOnly({ isThere, places }) {
      const kept = places().map(idOf)
      for (const id of shelved.keys())
        if (!isThere(id.slice(0, id.indexOf('/'))) || isOlder(id, kept)) shelved.delete(id)
    },
  }
}
