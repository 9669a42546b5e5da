import { createRequire } from 'node:module'
import { limits } from '@vigil/protocol'
import type { ErrorObject, Ajv as Validator } from 'ajv'
import type { Trigger } from '../manifests/manifest.ts'

/**
 * JSON Schemas of message triggers: drafts 2020-12 and 7. Strict, because a word that the validator would pass over is a
 * check that its author believes in and nobody makes.
 */
const options = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // What a message has is what stands in it, never what every object inherits.
  ownProperties: true,
  addUsedSchema: false,
} as const

const require = createRequire(import.meta.url)
const validators = new Map<string, Validator>()

/** Loaded when the first schema comes: it takes 50 ms, and most fleets have none. */
function validatorFor(schema: unknown): Validator {
  const named = String((schema as { readonly $schema?: unknown }).$schema ?? '')
  const draft = named.includes('draft-07') ? '' : '/dist/2020.js'
  return validators.getOrInsertComputed(draft, () => {
    const { default: Ajv } = require(`ajv${draft}`) as typeof import('ajv')
    const { default: addFormats } = require('ajv-formats') as typeof import('ajv-formats')
    return addFormats.default(new Ajv(options))
  })
}

export interface SchemaProblem {
  /** From the root of the schema. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Why a schema cannot be used, as a whole sentence; undefined when it can. */
export function schemaProblem(schema: unknown): SchemaProblem | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > limits.schemaBytes)
    return { path: [], message: `expected a JSON Schema of at most ${limits.schemaBytes} bytes, found ${bytes}` }
  try {
    const validator = validatorFor(schema)
    if (validator.validateSchema(schema as object) === false) {
      const [error] = validator.errors ?? []
      return { path: pathOf(error), message: `expected a JSON Schema, found one that ${error?.message}` }
    }
    validator.compile(schema as object)
    return undefined
  } catch (error) {
    return { path: [], message: `expected a JSON Schema, found: ${(error as Error).message}` }
  } finally {
    forget(schema)
  }
}

/** Triggers of a deployed manifest never change. */
const compiled = new WeakMap<Trigger, (content: unknown) => string | undefined>()
const anything = (): undefined => undefined

/** What a trigger asks of the content of a message: gives what does not fit, and where. */
export function contentCheck(trigger: Extract<Trigger, { type: 'message' }>): (content: unknown) => string | undefined {
  const { schema } = trigger
  if (schema === undefined) return anything
  return compiled.getOrInsertComputed(trigger, () => {
    const validate = validatorFor(schema).compile(schema)
    forget(schema)
    return (content) => (validate(content) ? undefined : misfit(validate.errors?.[0], content, 'content'))
  })
}

/** What of a value does not fit a schema that is used once; `name` is what people call it. */
export function misfitOf(schema: object, value: unknown, name: string): string | undefined {
  const validate = validatorFor(schema).compile(schema)
  forget(schema)
  return validate(value) ? undefined : misfit(validate.errors?.[0], value, name)
}

/** The validator keeps each schema that it has seen, and the fleet is deployed again and again. */
const forget = (schema: unknown): void => {
  for (const validator of validators.values()) validator.removeSchema(schema as object)
}

const pathOf = (error: ErrorObject | undefined): string[] =>
  (error?.instancePath ?? '')
    .split('/')
    .slice(1)
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))

/** `content.items.0.price must be number, found the text "x"`. */
function misfit(error: ErrorObject | undefined, content: unknown, name: string): string {
  const path = pathOf(error)
  const found = path.reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)?.[key], content)
  const { additionalProperty, allowedValues, allowedValue } = (error?.params ?? {}) as Readonly<Record<string, unknown>>
  const wanted = [additionalProperty, allowedValues, allowedValue].find((value) => value !== undefined)
  const detail = wanted === undefined ? '' : ` (${short(wanted)})`
  return `${[name, ...path].join('.')} ${error?.message}${detail}, found ${short(found)}`
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
