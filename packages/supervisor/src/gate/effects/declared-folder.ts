import { basename, dirname, relative, sep } from 'node:path'
import { makeDurableDirectory } from '@vigil/journal'
import { type FileSystem, type OpenDirectory, VigilError } from '@vigil/protocol'
import { isWithin } from '../../platform/path-within.ts'

/** A place in what a manifest declares. */
export interface Place {
  /** What is declared, absolute: a folder, or one file. */
  readonly declared: string
  /** The way from there; empty: the declared path itself. */
  readonly names: readonly string[]
}

export interface Folders {
  /** Holds the folder that a place is for as long as `act` runs. */
  inside<T>(place: Place, act: (folder: Held) => Promise<T>): Promise<T>
  /** Holds the folder that the last name of a place stands in. `makes`: the folders that are not there yet. */
  around<T>(place: Place, act: (folder: Held, name: string) => Promise<T>, options?: { makes: boolean }): Promise<T>
}

export interface Held extends OpenDirectory {
  /** The way to where a link in it leads. @throws FILE_DENIED when that is somewhere else */
  follow(name: string): Promise<Place>
}

/**
 * Walks to the places of a manifest and never out of them. A check of a path says nothing about the next moment: whoever may write in
 * a folder can put a link in the place of a name that was looked at. So the walk opens one folder after the other, each within
 * the one before, asks each where it really is, and what is done is done in the last of them, whatever is renamed meanwhile.
 */
export function declaredFolders(fileSystem: FileSystem, keptOut: string | undefined): Folders {
  const folderBelow = async (folder: OpenDirectory, name: string, makes: boolean): Promise<OpenDirectory> => {
    const path = `${folder.base}/${name}`
    try {
      return await fileSystem.openDirectory(path)
    } catch (error) {
      if (!makes || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      await fileSystem.makeDirectory(path)
      await fileSystem.syncDirectory(folder.base)
      return await fileSystem.openDirectory(path)
    }
  }

  /** Throws when the path is in the data of Vigil. */
  const ownData = async (): Promise<(path: string) => void> => {
    if (keptOut === undefined) return () => undefined
    const own = await fileSystem.realPath(keptOut)
    return (path) => {
      if (isWithin(own, path)) throw new VigilError('FILE_DENIED', `${path} is where Vigil keeps its own data`)
    }
  }

  const walk = async <T>({ declared, names }: Place, makes: boolean, act: (folder: Held) => Promise<T>): Promise<T> => {
    const assertForeign = await ownData()
    if (makes) {
      assertForeign(declared)
      await makeDurableDirectory(fileSystem, declared)
    }
    let folder = await fileSystem.openDirectory(declared)
    const root = folder.realPath
    try {
      assertForeign(root)
      for (const name of names) {
        const next = await folderBelow(folder, name, makes)
        await folder.close()
        folder = next
        if (!isWithin(root, folder.realPath)) throw leadsOut(folder.realPath, root)
        assertForeign(folder.realPath)
      }
      const { base } = folder
      const follow = async (name: string): Promise<Place> => {
        const real = await fileSystem.realPath(`${base}/${name}`)
        if (!isWithin(root, real)) throw leadsOut(real, root)
        return { declared: root, names: relative(root, real).split(sep) }
      }
      return await act({ ...folder, follow })
    } finally {
      await folder.close()
    }
  }

  return {
    inside: (place, act) => walk(place, false, act),
    async around({ declared, names }, act, { makes } = { makes: false }) {
      const last = names.at(-1)
      if (last !== undefined)
        return await walk({ declared, names: names.slice(0, -1) }, makes, (folder) => act(folder, last))
      // One file is declared, which need not be there yet.
      const real = await fileSystem.realPath(declared).catch(() => declared)
      return await walk({ declared: dirname(real), names: [] }, false, (folder) => act(folder, basename(real)))
    },
  }
}

const leadsOut = (path: string, root: string): VigilError =>
  new VigilError('FILE_DENIED', `expected a path that stays in ${root}, found one that leads to ${path}`)
