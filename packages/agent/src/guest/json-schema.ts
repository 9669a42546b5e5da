import { dereference, format, type OutputUnit, type Schema, validate } from '@cfworker/json-schema'
import { jsonCopy } from './json.ts'
import type { Checked, SchemaCheck } from './schema-check.ts'

/**
 * JSON Schema 2020-12, read in the guest itself: a schema that an agent brings has no business in ring 0, where one nested
 * cleverly enough would stand still for all. See adr/0011 for the library.
 */
const draft = '2020-12'

/** `what` names the value in paths. @throws an Error that says what is wrong with the schema */
export function jsonSchemaCheck(parameters: unknown, what = 'input'): SchemaCheck {
  // The library marks what it has read.
  const schema = jsonCopy(parameters, 'a schema') as Schema
  const [wrong] = problemsOf(schemaOfSchemas, dereference(schemaOfSchemas), schema)
  if (wrong !== undefined)
    throw new Error(`expected a JSON Schema, found at ${['#', ...wrong.path].join('/')}: ${wrong.error}`)
  const places = dereference(schema)
  for (const part of Object.values(places)) {
    const { $ref, __absolute_ref__: target } = part as Schema
    if (target !== undefined && !Object.hasOwn(places, target))
      throw new Error(`expected a reference to a part of the same schema, found ${$ref}`)
  }
  return (value): Checked => {
    const copy = jsonCopy(value, `the ${what}`)
    const problems = problemsOf(schema, places, copy)
    if (problems.length === 0) return { value: copy }
    return { problems: problems.map(({ path, error }) => ({ path: [what, ...path].join('.'), message: error })) }
  }
}

interface Problem {
  readonly path: readonly string[]
  readonly error: string
}

const most = 10
/** Of these, what is wrong with each branch helps nobody: it is enough that none fits. */
const branching = new Set(['anyOf', 'oneOf', 'not', 'contains'])

function problemsOf(schema: Schema, places: ReturnType<typeof dereference>, value: unknown): Problem[] {
  const { errors } = validate(value, schema, draft, places)
  const isWithin = (inner: OutputUnit, outer: OutputUnit): boolean =>
    inner.keywordLocation.startsWith(`${outer.keywordLocation}/`)
  return errors
    .filter(
      (each) =>
        (each.keyword !== 'false' || errors.length === 1) &&
        !errors.some((other) => branching.has(other.keyword) && isWithin(each, other)) &&
        (branching.has(each.keyword) || !errors.some((other) => isWithin(other, each))),
    )
    .slice(0, most)
    .map(({ instanceLocation, error }) => ({ path: pathOf(instanceLocation), error }))
}

const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => decodeURI(part).replaceAll('~1', '/').replaceAll('~0', '~'))

const each = (words: string, form: Schema): Record<string, Schema> =>
  Object.fromEntries(words.split(' ').map((word) => [word, form]))

const some: Schema = { $ref: '#' }
const type: Schema = { enum: ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'] }
const names: Schema = { type: 'array', items: { type: 'string' } }

/** Stricter than that of the standard: a word that nobody checks would be a check that its author believes in. */
const schemaOfSchemas: Schema = {
  type: ['object', 'boolean'],
  properties: {
    ...each('$schema $id $anchor $comment title description contentEncoding contentMediaType', { type: 'string' }),
    ...each('default const examples', {}),
    ...each('deprecated readOnly writeOnly uniqueItems', { type: 'boolean' }),
    ...each('minimum maximum exclusiveMinimum exclusiveMaximum', { type: 'number' }),
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    ...each('minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains', {
      type: 'integer',
      minimum: 0,
    }),
    ...each('not if then else items contains additionalProperties propertyNames', some),
    ...each('unevaluatedProperties unevaluatedItems', some),
    ...each('allOf anyOf oneOf prefixItems', { type: 'array', items: some, minItems: 1 }),
    ...each('$defs definitions properties dependentSchemas', { type: 'object', additionalProperties: some }),
    patternProperties: { type: 'object', propertyNames: { format: 'regex' }, additionalProperties: some },
    type: { anyOf: [type, { type: 'array', items: type, minItems: 1 }] },
    enum: { type: 'array' },
    required: names,
    dependentRequired: { type: 'object', additionalProperties: names },
    pattern: { type: 'string', format: 'regex' },
    format: { enum: Object.keys(format) },
    $ref: { type: 'string', pattern: '^#' },
  },
  additionalProperties: false,
}
