import { isAbsolute } from 'node:path'
import { type ManifestDocument, type ManifestProblem, VigilError } from '@vigil/protocol'
import { parse } from 'yaml'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { examineManifest } from './examine.ts'
import type { Trigger } from './manifest.ts'
import { manifestError } from './problem-report.ts'

/**
 * One trigger in the words of a manifest, as data or as a text of YAML, for a process that is there already. There is no
 * folder that paths could stand on, and nothing but a secret may name a variable: what is read goes on record.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD with every problem in `details`
 */
export function readTrigger(given: unknown, triggerTypes: TriggerTypes): Trigger {
  const raw = { name: 'a', entrypoint: '/a', triggers: [typeof given === 'string' ? fromYaml(given) : given] }
  const { check } = examineManifest(raw, { baseDirectory: '/', schemas: new Map(), triggerTypes, also: pathProblems })
  const problems = check.ok ? [] : check.problems
  const [trigger] = check.ok ? check.value.triggers : []
  if (trigger !== undefined) return trigger
  throw manifestError(
    problems.map((problem) => ({ ...problem, file: 'trigger', path: problem.path.slice(2).join('.') })),
  )
}

function fromYaml(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' })
  } catch (error) {
    throw new VigilError('INVALID_CONFIG', `expected a trigger in YAML, found: ${(error as Error).message}`)
  }
}

function pathProblems({ triggers }: ManifestDocument): ManifestProblem[] {
  return triggers.flatMap((trigger, index) => {
    const complain = (field: string | number, message: string, ...rest: (string | number)[]): ManifestProblem => ({
      code: 'INVALID_CONFIG',
      path: ['triggers', index, field, ...rest],
      message,
    })
    const relative = (path: string): string => `expected an absolute path, found ${path}`
    if (trigger.type === 'file_watch' && !isAbsolute(trigger.watch_path))
      return [complain('watch_path', relative(trigger.watch_path))]
    if (trigger.type === 'message' && typeof trigger.schema === 'string')
      return [complain('schema', `expected the JSON Schema itself, found the path ${trigger.schema}`)]
    if (trigger.type !== 'webhook') return []
    return (trigger.secret ?? []).flatMap((secret, at) =>
      typeof secret === 'string' || isAbsolute(secret.file)
        ? []
        : [complain('secret', relative(secret.file), at, 'file')],
    )
  })
}
