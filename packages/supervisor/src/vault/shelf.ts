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
  /** Takes away all that is none of these, and what is left of processes that are not named. */
  keepOnly(places: readonly SealedPlace[], processes: ReadonlySet<string>): Promise<void>
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
    async keepOnly(places, processes) {
      const kept = new Set(places.map(pathOf))
      for (const process of await names(folder)) {
        const inside = join(folder, process)
        const gone = (await names(inside)).filter(
          (file) => !processes.has(process) || isOlder(join(inside, file), kept),
        )
        for (const file of gone) await fileSystem.remove(join(inside, file))
        if (gone.length > 0) await fileSystem.syncDirectory(inside)
      }
    },
  }
}

/** A newer version than the record knows was never said to be kept, and stays: an older record may have been put back. */
function isOlder(path: string, kept: ReadonlySet<string>): boolean {
  const at = path.lastIndexOf('.')
  const [start, version] = [path.slice(0, at + 1), Number(path.slice(at + 1))]
  if (Number.isNaN(version)) return true
  return kept.values().some((each) => each.startsWith(start) && Number(each.slice(at + 1)) > version)
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
    async keepOnly(places, processes) {
      const kept = new Set(places.map(idOf))
      for (const id of shelved.keys())
        if (!processes.has(id.slice(0, id.indexOf('/'))) || isOlder(id, kept)) shelved.delete(id)
    },
  }
}
