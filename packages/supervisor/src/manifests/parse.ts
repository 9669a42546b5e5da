import { dirname, resolve } from 'node:path'
import { checkManifest, type ManifestDocument, type ManifestProblem } from '@vigil/protocol'
import { withOptions } from '../triggers/custom/trigger-options.ts'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { effectiveManifest } from './effective.ts'
import type { Manifest } from './manifest.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import { patternProblems } from './schedule.ts'
import { namedSchemas, type SchemaFiles, withSchemas } from './schemas.ts'
import { type Checked, type ReadOptions, readYaml } from './yaml-text.ts'

export interface ManifestOptions extends ReadOptions {
  /** What stands in the files that the manifest names as schemas. */
  readonly schemas?: SchemaFiles
  /** Registered beside the built-in ones. */
  readonly triggerTypes?: TriggerTypes
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
  const { schemas = new Map(), triggerTypes = {} } = options
  const typeNames = new Set(Object.keys(triggerTypes))
  let wants: readonly string[] = []
  const { value, ...found } = readYaml(text, { ...options, keeps: isSecret }, (raw): Checked<ManifestDocument> => {
    const check = checkManifest(raw, typeNames)
    if (!check.ok) return check
    wants = namedSchemas(check.manifest, baseDirectory).filter((path) => !schemas.has(path))
    const optioned = withOptions(check.manifest, triggerTypes)
    const whole = withSchemas(optioned.manifest, baseDirectory, schemas)
    const problems = [...placedPatternProblems(check.manifest, raw), ...optioned.problems, ...whole.problems]
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: whole.manifest }
  })
  return value === undefined
    ? { ...found, wants }
    : { ...found, wants, manifest: effectiveManifest(value, baseDirectory) }
}

const isSecret = (path: readonly (string | number)[]): boolean =>
  path[0] === 'triggers' && (path[2] === 'secret' || path[2] === 'hmac_secret') && path.at(-1) !== 'file'

function placedPatternProblems(manifest: ManifestDocument, raw: unknown): ManifestProblem[] {
  const written = (raw as { triggers?: readonly object[] }).triggers ?? []
  return manifest.triggers.flatMap((trigger, index) =>
    patternProblems(trigger).map(({ field, message }) => {
      const other = otherName[field] ?? field
      const path = ['triggers', index, other in (written[index] ?? {}) ? other : field]
      return { code: 'INVALID_CONFIG' as const, path, message }
    }),
  )
}

/** How a trigger may also call the field. */
const otherName: Readonly<Record<string, string>> = {
  cron_expression: 'cron',
  event_type: 'event',
  filter: 'filter_expression',
}
