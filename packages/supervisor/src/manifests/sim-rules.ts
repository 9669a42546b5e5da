import { resolve } from 'node:path'
import { limits, type ManifestDocument, type ManifestProblem, type SimRule, simRulesSchema } from '@vigil/protocol'
import { parse } from 'yaml'
import { pathsIn } from '../models/sim/template.ts'
import { sceneFilterProblem, scenePathProblem } from '../triggers/filter/filter.ts'
import type { NamedFiles } from './schemas.ts'

/** Puts the rules of a simulated model in the place of their path, and checks each. Problems of a file stand at its path. */
export function withSimRules(
  manifest: ManifestDocument,
  baseDirectory: string,
  files: NamedFiles,
): { readonly manifest: ManifestDocument; readonly problems: readonly ManifestProblem[] } {
  const { sim } = manifest
  if (sim === undefined) return { manifest, problems: [] }
  if (typeof sim !== 'string') return { manifest, problems: problemsOf(sim) }
  const wrong = (message: string) => ({
    manifest,
    problems: [{ code: 'INVALID_CONFIG' as const, path: ['sim'], message: `${sim}: ${message}` }],
  })
  const text = files.get(resolve(baseDirectory, sim))
  if (text === undefined)
    return wrong(`expected a list of entries, found no file of at most ${limits.schemaBytes} bytes`)
  const read = rulesIn(text)
  if ('wrong' in read) return wrong(read.wrong)
  const [first] = problemsOf(read.rules)
  if (first !== undefined) return wrong(`at ${first.path.slice(1).join('.')}: ${first.message}`)
  return { manifest: { ...manifest, sim: read.rules }, problems: [] }
}

function rulesIn(text: string): { readonly rules: SimRule[] } | { readonly wrong: string } {
  let raw: unknown
  try {
    raw = parse(text, { maxAliasCount: 0 })
  } catch (error) {
    return { wrong: `expected YAML, found: ${(error as Error).message}` }
  }
  const checked = simRulesSchema.safeParse(raw)
  if (checked.success) return { rules: checked.data }
  const [issue] = checked.error.issues
  const place = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  return { wrong: `expected ${issue?.message}${place}` }
}

function problemsOf(rules: readonly SimRule[]): ManifestProblem[] {
  return rules.flatMap(({ when, text, input, tools }, index) => {
    const filter = when === undefined ? undefined : sceneFilterProblem(when)
    const paths = pathsIn([text, input, tools]).flatMap((path) => scenePathProblem(path) ?? [])
    const at = (field: string, message: string): ManifestProblem => ({
      code: 'INVALID_CONFIG',
      path: ['sim', index, field],
      message,
    })
    return [
      ...(filter === undefined ? [] : [at('when', filter)]),
      ...paths.map((message) => at(text === undefined ? 'input' : 'text', message)),
    ]
  })
}
