import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { moduleSource } from '@vigil/isolate/host'
import { makeDurableDirectory, onDisk, writeFileAtomically } from '@vigil/journal'
import { type Bundle, type Compute, type FileSystem, VigilError } from '@vigil/protocol'
import { LRUCache } from 'lru-cache'

/**
 * Bundles by content hash under DATA/bundles, so that an open turn goes on with the code that it began with,
 * also after the source has changed. Without a data directory they live in memory.
 */
export interface BundleStore {
  put(bundle: Bundle): Promise<void>
  /** A large one that is asked for again and again comes with a code cache from its third time on. */
  get(hash: string): Promise<Bundle>
}

/** Bundles that are kept at hand, beside those on the disk. */
const keptBytes = 128_000_000
/** Below, V8 compiles sooner than a cache is sent; above, bundle and cache, which may be twice its size, would not fit into one frame. */
const worthCompiling = { from: 32_000, to: 4_000_000 }

const isWorthCompiling = ({ code: { length } }: Bundle): boolean =>
  length >= worthCompiling.from && length <= worthCompiling.to
// The cache of bundles refuses a size of 0.
const sizeOf = ({ code, codeCache = '' }: Bundle): number => 1 + code.length + codeCache.length

export function bundleStore(
  fileSystem: FileSystem,
  compute: Pick<Compute, 'compile'>,
  dataDirectory: string | undefined,
): BundleStore {
  const directory = dataDirectory === undefined ? undefined : join(dataDirectory, 'bundles')
  const pathOf = (hash: string): string => join(directory ?? '', `${hash}.cjs`)
  const known =
    directory === undefined
      ? new Map<string, Bundle>()
      : new LRUCache<string, Bundle>({ maxSize: keptBytes, sizeCalculation: sizeOf })
  /** Asked for once; those that are asked for again are compiled. */
  const asked = new WeakSet<Bundle>()
  const compiling = new Set<string>()

  const keep = async (folder: string, bundle: Bundle): Promise<void> => {
    await makeDurableDirectory(fileSystem, folder)
    const path = pathOf(bundle.hash)
    if ((await fileSystem.stat(path)) === undefined)
      await writeFileAtomically(fileSystem, path, Buffer.from(bundle.code))
    // A predecessor that was killed may have given it its name and not made that durable.
    else await fileSystem.syncDirectory(folder)
  }

  const read = async (hash: string): Promise<Bundle> => {
    if (directory === undefined) throw new VigilError('INTERNAL', `the bundle ${hash} is not in memory`)
    const code = Buffer.from(await fileSystem.readFile(pathOf(hash))).toString('utf8')
    const found = createHash('sha256').update(code).digest('hex')
    if (found !== hash) throw new VigilError('JOURNAL_DAMAGED', `${pathOf(hash)} does not hold what its name says`)
    return { hash, code }
  }

  /** For later: nobody waits for it, and without it everything only takes longer. */
  const compile = ({ hash, code }: Bundle): void => {
    if (compiling.has(hash)) return
    compiling.add(hash)
    compute
      .compile(moduleSource(code))
      .then(
        (codeCache) => known.set(hash, { hash, code, codeCache }),
        () => undefined,
      )
      .finally(() => compiling.delete(hash))
  }

  return {
    async put(bundle) {
      if (known.get(bundle.hash) !== undefined) return
      if (directory !== undefined) await onDisk(() => keep(directory, bundle))
      known.set(bundle.hash, bundle)
    },
    async get(hash) {
      const kept = known.get(hash)
      const bundle = kept ?? (await read(hash))
      if (kept === undefined) known.set(hash, bundle)
      if (bundle.codeCache === undefined && isWorthCompiling(bundle) && asked.has(bundle)) compile(bundle)
      asked.add(bundle)
      return bundle
    },
  }
}
