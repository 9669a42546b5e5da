import type { StandardSchema } from '../context.ts'
import { codedError } from './coded-error.ts'
import { jsonCopy } from './json.ts'

/** What a schema makes of a value, or why it does not fit, each problem with its place. */
export type Checked =
  | { readonly value: unknown }
  | { readonly problems: readonly { readonly path: string; readonly message: string }[] }

export type SchemaCheck = (value: unknown) => Checked | Promise<Checked>

const most = 10

/** The check of a Standard Schema; `what` names the value in paths. @throws BUNDLE_FAILED when it is none */
export function standardCheck(schema: unknown, what: string): SchemaCheck {
  const standard = (schema as Partial<StandardSchema> | null)?.['~standard']
  if (typeof standard?.validate !== 'function') {
    const message = `expected ${what} to be a schema with the interface of Standard Schema, such as z.object({ ... }), found ${typeof schema}`
    throw codedError({ code: 'BUNDLE_FAILED', message })
  }
  return async (value) => {
    const checked = await standard.validate(value)
    if (checked.issues === undefined) return { value: checked.value }
    const problems = checked.issues.slice(0, most).map(({ message, path = [] }) => ({
      path: [what, ...path.map(nameOf)].join('.'),
      message,
    }))
    return { problems }
  }
}

/** Libraries that follow Standard JSON Schema can say it so; not everything that they check can be said. */
export function describedSchema(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  const { jsonSchema } = (schema as { '~standard': { jsonSchema?: { input?: (to: object) => object } } })['~standard']
  try {
    const said = jsonSchema?.input?.({ target: 'draft-2020-12' })
    return said === undefined ? undefined : (jsonCopy(said, 'schema') as Record<string, unknown>)
  } catch {
    return undefined
  }
}

export const misfit = ({ problems }: Extract<Checked, { problems: unknown }>): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join('; ')

const nameOf = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === 'object' ? part.key : part)
