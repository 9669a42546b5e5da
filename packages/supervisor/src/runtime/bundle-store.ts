import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { makeDurableDirectory, onDisk, writeFileAtomically } from '@vigil/journal'
import { type Bundle, type FileSystem, VigilError } from '@vigil/protocol'

/**
 * Bundles by content hash under DATA/bundles, so that an open turn goes on with the code that it began with,
 * also after the source has changed. Without a data directory they live in memory.
 */
export interface BundleStore {
  put(bundle: Bundle): Promise<void>
  get(hash: string): Promise<Bundle>
}

export function bundleStore(fileSystem: FileSystem, dataDirectory: string | undefined): BundleStore {
  const known = new Map<string, Bundle>()
  const directory = dataDirectory === undefined ? undefined : join(dataDirectory, 'bundles')
  const pathOf = (hash: string): string => join(directory ?? '', `${hash}.cjs`)

  const keep = async (folder: string, bundle: Bundle): Promise<void> => {
    await makeDurableDirectory(fileSystem, folder)
    const path = pathOf(bundle.hash)
    if ((await fileSystem.stat(path)) === undefined)
      await writeFileAtomically(fileSystem, path, Buffer.from(bundle.code))
    // A predecessor that was killed may have given it its name and not made that durable.
    else await fileSystem.syncDirectory(folder)
  }

  return {
    async put(bundle) {
      if (known.has(bundle.hash)) return
      if (directory !== undefined) await onDisk(() => keep(directory, bundle))
      known.set(bundle.hash, bundle)
    },
    async get(hash) {
      const cached = known.get(hash)
      if (cached !== undefined) return cached
      if (directory === undefined) throw new VigilError('INTERNAL', `the bundle ${hash} is not in memory`)
      const code = Buffer.from(await fileSystem.readFile(pathOf(hash))).toString('utf8')
      const found = createHash('sha256').update(code).digest('hex')
      if (found !== hash) throw new VigilError('JOURNAL_DAMAGED', `${pathOf(hash)} does not hold what its name says`)
      const bundle = { hash, code }
      known.set(hash, bundle)
      return bundle
    },
  }
}
