import { codedError } from './coded-error.ts'
import { misfit, standardCheck } from './schema-check.ts'

/** The check that an agent makes of what it is given. @throws BUNDLE_FAILED when it is none */
export function payloadCheck(schema: unknown): ((payload: unknown) => Promise<unknown>) | undefined {
  if (schema === undefined) return undefined
  const check = standardCheck(schema, 'payload')
  return async (payload) => {
    const checked = await check(payload)
    if ('value' in checked) return checked.value
    const message = `the payload does not fit the schema of the agent: ${misfit(checked)}`
    // The same event fits no better the next time.
    throw Object.assign(codedError({ code: 'PAYLOAD_INVALID', message, details: checked.problems }), { retry: false })
  }
}
