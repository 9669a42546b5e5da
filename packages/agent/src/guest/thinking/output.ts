import type { StandardSchema } from '@vigil/protocol'
import { codedError } from '../coded-error.ts'
import { jsonCopy } from '../json.ts'
import { jsonSchemaCheck } from '../json-schema.ts'
import { describedSchema, misfit, type SchemaCheck, standardCheck } from '../schema-check.ts'

/** What an answer has to be: as the model is told, and as it is checked. */
export interface OutputSchema {
  readonly described: Readonly<Record<string, unknown>>
  readonly check: SchemaCheck
}

/** @throws INVALID_ARGUMENT for what is no schema, or one that cannot be told to a model */
export function outputSchema(schema: StandardSchema | Readonly<Record<string, unknown>>): OutputSchema {
  const refuse = (message: string): never => {
    throw codedError({ code: 'INVALID_ARGUMENT', message: `schema: ${message}` })
  }
  if ('~standard' in schema) {
    const described = describedSchema(schema)
    if (described === undefined) return refuse('this one cannot be said as JSON Schema, so no model can be told of it')
    return { described, check: standardCheck(schema, 'output') }
  }
  try {
    return {
      described: jsonCopy(schema, 'schema') as OutputSchema['described'],
      check: jsonSchemaCheck(schema, 'output'),
    }
  } catch (error) {
    return refuse((error as Error).message)
  }
}

export type Fit = { readonly value: unknown } | { readonly misfit: string }

/** What the schema makes of an answer. */
export async function fit({ check }: OutputSchema, text: string): Promise<Fit> {
  let value: unknown
  try {
    value = JSON.parse(unwrapped(text))
  } catch (error) {
    return { misfit: `it is no JSON: ${(error as Error).message}` }
  }
  const checked = await check(value)
  return 'value' in checked ? checked : { misfit: misfit(checked) }
}

/** Models like to put JSON into a block of code. */
const unwrapped = (text: string): string => /^\s*```(?:json)?\s*\n(.*?)\n?```\s*$/s.exec(text)?.[1] ?? text
