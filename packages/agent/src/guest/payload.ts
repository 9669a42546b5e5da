import type { StandardSchema } from '../context.ts'
import { codedError } from './coded-error.ts'

/** The check that an agent makes of what it is given. @throws BUNDLE_FAILED when it is none */
export function payloadCheck(schema: unknown): ((payload: unknown) => Promise<unknown>) | undefined {
  if (schema === undefined) return undefined
  const standard = (schema as Partial<StandardSchema> | null)?.['~standard']
  if (typeof standard?.validate !== 'function') {
    const message = `expected payload to be a schema with the interface of Standard Schema, such as z.object({…}), found ${typeof schema}`
    throw codedError({ code: 'BUNDLE_FAILED', message })
  }
  return async (payload) => {
    const checked = await standard.validate(payload)
    if (checked.issues === undefined) return checked.value
    const problems = checked.issues.slice(0, most).map(({ message, path = [] }) => ({
      path: ['payload', ...path.map(nameOf)].join('.'),
      message,
    }))
    const message = `the payload does not fit the schema of the agent: ${problems.map(({ path, message: why }) => `${path}: ${why}`).join('; ')}`
    // The same event fits no better the next time.
    throw Object.assign(codedError({ code: 'PAYLOAD_INVALID', message, details: problems }), { retry: false })
  }
}

const most = 10

const nameOf = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === 'object' ? part.key : part)
