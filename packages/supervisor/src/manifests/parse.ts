import { dirname, resolve } from 'node:path'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { examineManifest } from './examine.ts'
import type { Manifest } from './manifest.ts'
import { isNoticeSecret } from './notice-target.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import type { NamedFiles } from './schemas.ts'
import { type Checked, type ReadOptions, readYaml } from './yaml-text.ts'

export interface ManifestOptions extends ReadOptions {
  /** What stands in the files that the manifest names as schemas. */
  readonly schemas?: NamedFiles
  /** Registered beside the built-in ones. */
  readonly triggerTypes?: TriggerTypes
  /** Of the fleet: what stands where the manifest says nothing. */
  readonly defaults?: Readonly<Record<string, unknown>>
}

/** Reads the text of one manifest: YAML, variables, schema, schedules. `warnings` are unset variables. */
export interface ManifestReading {
  readonly manifest?: Manifest
  /** Schema files that it names and that were not given; read again with them. */
  readonly wants: readonly string[]
  readonly problems: readonly PlacedProblem[]
  readonly warnings: readonly PlacedProblem[]
}

/**
 * The effective manifest of a text.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING with every problem in `details`
 */
export function parseManifestText(text: string, options: ManifestOptions): Manifest {
  const { manifest, problems, warnings } = readManifestText(text, options)
  const all = [...problems, ...warnings]
  if (manifest === undefined || all.length > 0) throw manifestError(all)
  return manifest
}

/** The same without throwing, for those who check many files. */
export function readManifestText(text: string, options: ManifestOptions): ManifestReading {
  const baseDirectory = dirname(resolve(options.file))
  const { schemas = new Map(), triggerTypes = {}, defaults = {} } = options
  let wants: readonly string[] = []
  const { value, ...found } = readYaml(text, { ...options, keeps: isSecret }, (raw): Checked<Manifest> => {
    const examined = examineManifest(raw, { baseDirectory, schemas, triggerTypes, defaults })
    wants = examined.wants
    return examined.check
  })
  return value === undefined ? { ...found, wants } : { ...found, wants, manifest: value }
}

const isSecret = (path: readonly (string | number)[]): boolean =>
  isNoticeSecret(path) ||
  (path[0] === 'triggers' && (path[2] === 'secret' || path[2] === 'hmac_secret') && path.at(-1) !== 'file') ||
  (path[0] === 'secrets' && (path.length === 2 || path[2] === 'value')) ||
  (path[0] === 'servers' && (path[2] === 'headers' || path[2] === 'env'))
