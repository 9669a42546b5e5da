import { dirname, join, normalize, relative, sep } from 'node:path'
import { makeDurableDirectory, writeFileAtomically } from '@vigil/journal'
import { type FileSystem, limits, VigilError } from '@vigil/protocol'
import type { Manifest } from '../../manifests/manifest.ts'
import type { CallSite, OutsideEffect } from '../effect.ts'

interface FileInput {
  readonly mount: string
  readonly path: string
}

/** `ctx.files`: exactly the folders that the manifest names, never out of them, links included. */
export function fileEffects(fileSystem: FileSystem): {
  'file.read': OutsideEffect<'file.read'>
  'file.list': OutsideEffect<'file.list'>
  'file.write': OutsideEffect<'file.write'>
} {
  const read = {
    decide: (site: CallSite, input: FileInput) => void placeOf(site, input, 'ro'),
    intent: (_site: CallSite, input: FileInput) => ({ mount: input.mount, path: input.path }),
    repeatable: () => true,
    keyed: () => false,
    rerun: () => true,
  }
  return {
    'file.read': {
      ...read,
      act: (site, input) =>
        told(`read ${input.mount}/${input.path}`, async () => {
          const path = await inside(fileSystem, placeOf(site, input, 'ro'))
          const size = (await fileSystem.stat(path))?.size ?? 0
          if (size > limits.bodyBytes)
            throw new VigilError(
              'TOO_LARGE',
              `${input.path} has ${size} bytes, at most ${limits.bodyBytes} can be read at once`,
            )
          return { body: Buffer.from(await fileSystem.readFile(path)).toString('base64') }
        }),
    },
    'file.list': {
      ...read,
      act: (site, input) =>
        told(`list ${input.mount}/${input.path}`, async () => {
          const path = await inside(fileSystem, placeOf(site, input, 'ro'))
          const entries = []
          for (const name of await fileSystem.readDirectory(path)) {
            const stat = await fileSystem.stat(join(path, name))
            if (stat?.kind === 'file') entries.push({ name, size: stat.size })
          }
          return entries
        }),
    },
    'file.write': {
      ...read,
      decide: (site, input) => void placeOf(site, input, 'rw'),
      // Whole file, temporary name, rename: doing it twice leaves what doing it once leaves.
      rerun: () => false,
      act: (site, input) =>
        told(`write ${input.mount}/${input.path}`, async () => {
          const place = placeOf(site, input, 'rw')
          await makeDurableDirectory(fileSystem, place.root)
          await inside(fileSystem, { root: place.root, path: dirname(place.path) })
          const bytes = Buffer.from(input.body, 'base64')
          await writeFileAtomically(fileSystem, place.path, bytes)
          return { bytes: bytes.length }
        }),
    },
  }
}

interface Place {
  readonly root: string
  readonly path: string
}

const lineFor = (mount: string, right: 'ro' | 'rw'): string =>
  right === 'ro' ? `files: { "${mount}": PATH }` : `files: { "${mount}": { path: PATH, mode: rw } }`

function placeOf({ process }: CallSite, input: FileInput, right: 'ro' | 'rw'): Place {
  const mounts: Manifest['files'] = process.manifest.files
  const mount = Object.hasOwn(mounts, input.mount) ? mounts[input.mount] : undefined
  if (mount === undefined)
    throw new VigilError(
      'FILE_DENIED',
      `no folder "${input.mount}" is declared under files (${Object.keys(mounts).join(', ') || 'none'}); add to the manifest: ${lineFor(input.mount, right)}`,
    )
  if (right === 'rw' && mount.mode !== 'rw')
    throw new VigilError(
      'FILE_DENIED',
      `the folder "${input.mount}" is read-only; change in the manifest: ${lineFor(input.mount, right)}`,
    )
  const path = join(mount.path, normalize(`${sep}${input.path}`))
  return { root: mount.path, path }
}

/** The real path, when it lies under the real root: a link may not lead out. */
async function inside(fileSystem: FileSystem, { root, path }: Place): Promise<string> {
  const realRoot = await fileSystem.realPath(root)
  const real = await fileSystem.realPath(path)
  const way = relative(realRoot, real)
  if (way === '..' || way.startsWith(`..${sep}`))
    throw new VigilError('FILE_DENIED', `${path} leads out of the declared folder ${root}`)
  return real
}

async function told<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof VigilError) throw error
    throw new VigilError('FILE_FAILED', `${what}: ${(error as Error).message}`, { cause: error })
  }
}
