import { resolve } from 'node:path'
import { limits, type ManifestDocument, type ManifestProblem } from '@vigil/protocol'
import { schemaProblem } from '../triggers/message-schema.ts'

/** The texts of such files by absolute path; undefined: there is no such file. */
export type NamedFiles = ReadonlyMap<string, string | undefined>

/** Files that stand in the manifest by their paths, absolute: schemas, and what a simulated model says. */
export const namedFiles = (manifest: ManifestDocument, baseDirectory: string): string[] => [
  ...manifest.triggers.flatMap((trigger) =>
    trigger.type === 'message' && typeof trigger.schema === 'string' ? [resolve(baseDirectory, trigger.schema)] : [],
  ),
  ...(typeof manifest.sim === 'string' ? [resolve(baseDirectory, manifest.sim)] : []),
]

/**
 * Puts what stands in schema files in the place of their paths, because a manifest goes on record whole, and checks each
 * schema. Problems stand at the place in the manifest.
 */
export function withSchemas(
  manifest: ManifestDocument,
  baseDirectory: string,
  files: NamedFiles,
): { readonly manifest: ManifestDocument; readonly problems: readonly ManifestProblem[] } {
  const problems: ManifestProblem[] = []
  const triggers = manifest.triggers.map((trigger, index) => {
    if (trigger.type !== 'message' || trigger.schema === undefined) return trigger
    const place = ['triggers', index, 'schema']
    const complain = (message: string, path: readonly (string | number)[] = []): typeof trigger => {
      problems.push({ code: 'INVALID_CONFIG', path: [...place, ...path], message })
      return trigger
    }
    const { schema } = trigger
    if (typeof schema !== 'string') {
      const problem = schemaProblem(schema)
      return problem === undefined ? trigger : complain(problem.message, problem.path)
    }
    const text = files.get(resolve(baseDirectory, schema))
    if (text === undefined)
      return complain(`expected a JSON Schema in ${schema}, found no file of at most ${limits.schemaBytes} bytes`)
    const read = readSchema(text)
    if ('wrong' in read) return complain(`${schema}: ${read.wrong}`)
    return { ...trigger, schema: read.schema }
  })
  return { manifest: { ...manifest, triggers }, problems }
}

function readSchema(text: string): { readonly schema: Record<string, unknown> } | { readonly wrong: string } {
  let schema: Record<string, unknown>
  try {
    schema = JSON.parse(text)
  } catch (error) {
    return { wrong: `expected JSON, found: ${(error as Error).message}` }
  }
  const problem = schemaProblem(schema)
  if (problem === undefined) return { schema }
  return { wrong: problem.path.length === 0 ? problem.message : `at ${problem.path.join('.')}: ${problem.message}` }
}
