import { dirname, resolve } from 'node:path'
import { checkManifest, type ManifestDocument, type ManifestProblem } from '@vigil/protocol'
import { effectiveManifest } from './effective.ts'
import type { Manifest } from './manifest.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import { patternProblems } from './schedule.ts'
import { type Checked, type ReadOptions, readYaml } from './yaml-text.ts'

/** Reads the text of one manifest: YAML, variables, schema, schedules. `warnings` are unset variables. */
export interface ManifestReading {
  readonly manifest?: Manifest
  readonly problems: readonly PlacedProblem[]
  readonly warnings: readonly PlacedProblem[]
}

/**
 * The effective manifest of a text.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING with every problem in `details`
 */
export function parseManifestText(text: string, options: ReadOptions): Manifest {
  const { manifest, problems, warnings } = readManifestText(text, options)
  const all = [...problems, ...warnings]
  if (manifest === undefined || all.length > 0) throw manifestError(all)
  return manifest
}

/** The same without throwing, for those who check many files. */
export function readManifestText(text: string, options: ReadOptions): ManifestReading {
  const { value, ...found } = readYaml(text, options, checked)
  return value === undefined ? found : { ...found, manifest: effectiveManifest(value, dirname(resolve(options.file))) }
}

function checked(raw: unknown): Checked<ManifestDocument> {
  const check = checkManifest(raw)
  if (!check.ok) return check
  const problems = placedPatternProblems(check.manifest, raw)
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: check.manifest }
}

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
