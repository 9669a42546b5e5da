import { checkManifest, type ManifestDocument, type ManifestProblem } from '@vigil/protocol'
import { withOptions } from '../triggers/custom/trigger-options.ts'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { effectiveManifest } from './effective.ts'
import type { Manifest } from './manifest.ts'
import { patternProblems, policyProblems } from './schedule.ts'
import { type NamedFiles, namedFiles, withSchemas } from './schemas.ts'
import { withSimRules } from './sim-rules.ts'
import { twinProblems } from './twins.ts'
import type { Checked } from './yaml-text.ts'

export interface ExamineOptions {
  /** What relative paths stand on. */
  readonly baseDirectory: string
  readonly schemas: NamedFiles
  readonly triggerTypes: TriggerTypes
  readonly defaults?: Readonly<Record<string, unknown>>
  /** What else is asked of the document. */
  readonly also?: (document: ManifestDocument) => readonly ManifestProblem[]
}

/** Every check that a raw manifest goes through, however it came. `wants`: schema files that were not given. */
export function examineManifest(
  raw: unknown,
  { baseDirectory, schemas, triggerTypes, defaults, also = () => [] }: ExamineOptions,
): { readonly check: Checked<Manifest>; readonly wants: readonly string[] } {
  const check = checkManifest(raw, new Set(Object.keys(triggerTypes)), defaults)
  if (!check.ok) return { check, wants: [] }
  const wants = namedFiles(check.manifest, baseDirectory).filter((path) => !schemas.has(path))
  const optioned = withOptions(check.manifest, triggerTypes)
  const whole = withSchemas(optioned.manifest, baseDirectory, schemas)
  const simulated = withSimRules(whole.manifest, baseDirectory, schemas)
  const others = also(check.manifest)
  const own = [...placedPatternProblems(check.manifest, raw), ...policyProblems(check.manifest)]
  const problems = [...own, ...optioned.problems, ...simulated.problems, ...others]
  // A problem that says more about a schema stands for what its path says.
  problems.push(...whole.problems.filter(({ path }) => !others.some((other) => other.path.join() === path.join())))
  if (problems.length > 0) return { check: { ok: false, problems }, wants }
  const manifest = effectiveManifest(simulated.manifest, baseDirectory)
  const twins = twinProblems(manifest.triggers)
  return { check: twins.length > 0 ? { ok: false, problems: twins } : { ok: true, value: manifest }, wants }
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
