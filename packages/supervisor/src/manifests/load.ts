import { join } from 'node:path'
import { type FileSystem, limits, VigilError } from '@vigil/protocol'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import type { Environment } from './environment.ts'
import type { Manifest } from './manifest.ts'
import { readManifestText } from './parse.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import type { NamedFiles } from './schemas.ts'

/** Finds manifests on the disk and reads them all before anything is refused, so that one look shows every problem. */
/** What reading manifests needs of a disk. */
export type ManifestDisk = Pick<FileSystem, 'readFile' | 'readDirectory' | 'stat'>

export interface LoadOptions {
  readonly fileSystem: ManifestDisk
  readonly env: Environment
  /** Registered with the supervisor beside the built-in ones. */
  readonly triggerTypes?: TriggerTypes
  /** Of the fleet: what stands where a manifest says nothing. */
  readonly defaults?: Readonly<Record<string, unknown>>
}

export interface LoadedManifest {
  readonly manifest: Manifest
  /** Absolute: what the manifest's relative paths stand on. */
  readonly baseDirectory: string
  readonly file: string
}

/** A larger file is no manifest; reading it whole would only cost memory. */
const manifestBytes = 1_000_000

/**
 * Manifests of files and folders (`*.agent`, sorted by name), in the order of `paths`.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING for all files together
 */
export async function loadManifests(paths: readonly string[], options: LoadOptions): Promise<LoadedManifest[]> {
  const { loaded, problems, warnings } = await readManifests(paths, options)
  if (problems.length + warnings.length > 0) throw manifestError([...problems, ...warnings])
  return loaded
}

/** The same without throwing: what is good, what is wrong, and which variables are unset. */
export async function readManifests(paths: readonly string[], { fileSystem, ...options }: LoadOptions) {
  const loaded: LoadedManifest[] = []
  const problems: PlacedProblem[] = []
  const warnings: PlacedProblem[] = []
  for (const file of await manifestFiles(paths, fileSystem)) {
    const text = new TextDecoder().decode(await fileSystem.readFile(file))
    const asked = readManifestText(text, { ...options, file })
    const schemas = await readAll(asked.wants, fileSystem)
    const reading = schemas.size === 0 ? asked : readManifestText(text, { ...options, file, schemas })
    problems.push(...reading.problems)
    warnings.push(...reading.warnings)
    if (reading.manifest === undefined) continue
    const twin = loaded.find((other) => other.manifest.name === reading.manifest?.name)
    if (twin !== undefined) problems.push(duplicate(file, twin))
    loaded.push({ manifest: reading.manifest, baseDirectory: join(file, '..'), file })
  }
  return { loaded, problems, warnings }
}

const duplicate = (file: string, twin: LoadedManifest): PlacedProblem => ({
  code: 'INVALID_CONFIG',
  file,
  path: 'name',
  message: `expected a name of its own, found ${twin.manifest.name}, which ${twin.file} has too`,
})

async function readAll(paths: readonly string[], fileSystem: ManifestDisk): Promise<NamedFiles> {
  const texts = new Map<string, string | undefined>()
  for (const path of paths) {
    const stat = await fileSystem.stat(path)
    const isText = stat?.kind === 'file' && stat.size <= limits.schemaBytes
    texts.set(path, isText ? new TextDecoder().decode(await fileSystem.readFile(path)) : undefined)
  }
  return texts
}

async function manifestFiles(paths: readonly string[], fileSystem: ManifestDisk): Promise<string[]> {
  const files = new Set<string>()
  for (const path of paths) {
    const stat = await fileSystem.stat(path)
    if (stat === undefined)
      throw new VigilError('INVALID_CONFIG', `expected a manifest or a folder of them at ${path}, found nothing`)
    if (stat.kind === 'directory') {
      const names = (await fileSystem.readDirectory(path)).filter((name) => name.endsWith('.agent'))
      if (names.length === 0) throw new VigilError('INVALID_CONFIG', `expected *.agent files in ${path}, found none`)
      for (const name of names) files.add(join(path, name))
    } else {
      if (stat.size > manifestBytes)
        throw new VigilError('TOO_LARGE', `expected a manifest of at most 1 MB, found ${stat.size} bytes in ${path}`)
      files.add(path)
    }
  }
  return [...files]
}
