import { hash } from 'node:crypto'
import { writeFileAtomically } from '@vigil/journal'
import { type FileSystem, limits, VigilError } from '@vigil/protocol'
import type { Manifest } from '../../manifests/manifest.ts'
import type { CallSite, OutsideEffect } from '../effect.ts'
import { declaredFolders, type Folders, type Held, type Place } from './declared-folder.ts'

interface FileInput {
  readonly mount: string
  readonly path: string
}

/** `ctx.files`: exactly the paths that the manifest names, and never those in `keptOut`. */
export function fileEffects(
  fileSystem: FileSystem,
  keptOut?: string,
): {
  'file.read': OutsideEffect<'file.read'>
  'file.list': OutsideEffect<'file.list'>
  'file.write': OutsideEffect<'file.write'>
} {
  const folders = declaredFolders(fileSystem, keptOut)
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
          const bytes = await contentOf(fileSystem, folders, placeOf(site, input, 'ro'))
          return { body: bytes.toString('base64') }
        }),
    },
    'file.list': {
      ...read,
      act: (site, input) =>
        told(`list ${input.mount}/${input.path}`, () =>
          folders.inside(placeOf(site, input, 'ro'), (folder) => entriesOf(fileSystem, folder)),
        ),
    },
    'file.write': {
      ...read,
      decide: (site, input) => void placeOf(site, input, 'rw'),
      // Whole file, temporary name, rename: doing it twice leaves what doing it once leaves.
      rerun: () => false,
      act: (site, input) =>
        told(`write ${input.mount}/${input.path}`, async () => {
          const place = placeOf(site, input, 'rw')
          const bytes = Buffer.from(input.body, 'base64')
          const replace = ({ base }: Held, name: string): Promise<void> =>
            writeFileAtomically(fileSystem, `${base}/${name}`, bytes, { draft: `${base}/${draftOf(site)}` })
          await folders.around(place, replace, { makes: true })
          return { bytes: bytes.length }
        }),
    },
  }
}

async function contentOf(fileSystem: FileSystem, folders: Folders, place: Place): Promise<Buffer> {
  const read = ({ base }: Held, name: string): Promise<Buffer> => contentAt(fileSystem, `${base}/${name}`)
  const target = await folders.around(place, async (folder, name) => {
    try {
      return await read(folder, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error
      return await folder.follow(name)
    }
  })
  return Buffer.isBuffer(target) ? target : await folders.around(target, read)
}

async function contentAt(fileSystem: FileSystem, path: string): Promise<Buffer> {
  const handle = await fileSystem.open(path, 'plain')
  try {
    const size = await handle.size()
    if (size > limits.bodyBytes)
      throw new VigilError('TOO_LARGE', `the file has ${size} bytes, at most ${limits.bodyBytes} can be read at once`)
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, await handle.read(bytes, 0))
  } finally {
    await handle.close()
  }
}

async function entriesOf(fileSystem: FileSystem, folder: Held): Promise<{ name: string; size: number }[]> {
  const names = await fileSystem.readDirectory(folder.base)
  if (names.length > limits.listedNames)
    throw new VigilError('TOO_LARGE', `the folder has ${names.length} names, at most ${limits.listedNames} are listed`)
  const entries = []
  for (const name of names) {
    if (name.startsWith(draftPrefix)) continue
    // Of what a link leads to elsewhere not even the size is told.
    const isThere = await folder.follow(name).then(
      () => true,
      () => false,
    )
    const stat = isThere ? await fileSystem.stat(`${folder.base}/${name}`) : undefined
    if (stat?.kind === 'file') entries.push({ name, size: stat.size })
  }
  return entries
}

const draftPrefix = '.vigil-draft-'

/** The same for each time that a call is made, so that the next time takes away what a crash left. */
const draftOf = ({ process, turn, key }: CallSite): string =>
  draftPrefix + hash('sha256', `${process.name}\n${turn.turn}\n${key}`).slice(0, 16)

const lineFor = (mount: string, right: 'ro' | 'rw'): string =>
  right === 'ro' ? `files: { "${mount}": PATH }` : `files: { "${mount}": { path: PATH, mode: rw } }`

function placeOf({ process }: CallSite, input: FileInput, right: 'ro' | 'rw'): Place {
  const mounts: Manifest['files'] = process.manifest.files
  const mount = Object.hasOwn(mounts, input.mount) ? mounts[input.mount] : undefined
  if (mount === undefined)
    throw new VigilError(
      'FILE_DENIED',
      `no path "${input.mount}" is declared under files (${Object.keys(mounts).join(', ') || 'none'}); add to the manifest: ${lineFor(input.mount, right)}`,
    )
  if (right === 'rw' && mount.mode !== 'rw')
    throw new VigilError(
      'FILE_DENIED',
      `"${input.mount}" is read-only; change in the manifest: ${lineFor(input.mount, right)}`,
    )
  const names = input.path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.some((name) => name === '..' || name.includes('\0') || name.startsWith(draftPrefix)))
    throw new VigilError('FILE_DENIED', `expected a path below "${input.mount}", found ${JSON.stringify(input.path)}`)
  return { declared: mount.path, names }
}

async function told<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof VigilError) throw error
    // Without the path, which may lead by a descriptor of ring 0.
    const [reason] = (error as Error).message.split(', ')
    throw new VigilError('FILE_FAILED', `${what}: ${reason}`, { cause: error })
  }
}
