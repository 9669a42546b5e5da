import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonSchemaCheck } from '../../packages/agent/src/guest/json-schema.ts'
import type { Checked } from '../../packages/agent/src/guest/schema-check.ts'
import { contentCheck } from '../../packages/supervisor/src/triggers/message-schema.ts'

/** What checks JSON Schemas in the guest says of every value what the library in ring 0 says. */
const inRing0 = (schema: object, value: unknown): boolean =>
  contentCheck({ type: 'message', schema: schema as Readonly<Record<string, unknown>> })(value) === undefined
const inGuest = (schema: object, value: unknown): boolean => 'value' in (jsonSchemaCheck(schema)(value) as Checked)

const name = fc.constantFrom('a', 'b', 'c')
/** Not the largest numbers: of those the library reads the first digits when it looks for a multiple. */
const json = fc.jsonValue({ maxDepth: 3 }).filter((each) => !/\de\+/.test(JSON.stringify(each)))
const small = fc.integer({ min: -3, max: 5 })
const plain = (each: unknown): unknown => JSON.parse(JSON.stringify(each))
const value = fc
  .letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false, '', 'a', 'ab', '🙂', 1.5),
      small,
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(name, tie('any'), { maxKeys: 3 }),
      json,
    ),
  }))
  .any.map(plain)

const sizes = fc.nat({ max: 3 })
const { schema } = fc.letrec<{ schema: object | boolean; some: readonly (object | boolean)[] }>((tie) => ({
  some: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.boolean(),
    fc.record({ type: fc.constantFrom('null', 'boolean', 'number', 'integer', 'string', 'array', 'object') }),
    fc.record({ type: fc.constant(['string', 'null']) }),
    fc.record({ enum: fc.uniqueArray(fc.constantFrom(null, 1, 'a', true), { minLength: 1, maxLength: 3 }) }),
    fc.record({ const: value }),
    fc.record({ minimum: small }),
    fc.record({ maximum: small }),
    fc.record({ exclusiveMinimum: small }),
    fc.record({ exclusiveMaximum: small }),
    fc.record({ multipleOf: fc.constantFrom(1, 2, 0.5) }),
    fc.record({ minLength: sizes }),
    fc.record({ maxLength: sizes }),
    fc.record({ pattern: fc.constantFrom('^a', 'b$', '^.$') }),
    fc.record({ minItems: sizes }),
    fc.record({ maxItems: sizes }),
    fc.record({ uniqueItems: fc.boolean() }),
    fc.record({ minProperties: sizes }),
    fc.record({ maxProperties: sizes }),
    fc.record({ required: fc.uniqueArray(name, { maxLength: 2 }) }),
    fc.record({ properties: fc.dictionary(name, tie('schema'), { maxKeys: 2 }), additionalProperties: tie('schema') }),
    fc.record({ additionalProperties: tie('schema') }),
    fc.record({ items: tie('schema') }),
    fc.record({ prefixItems: tie('some'), items: tie('schema') }),
    fc.record({ allOf: tie('some') }),
    fc.record({ anyOf: tie('some') }),
    fc.record({ oneOf: tie('some') }),
    fc.record({ not: tie('schema') }),
    fc.record({ if: tie('schema'), else: tie('schema') }),
    fc.record({ contains: tie('schema') }),
    fc.record({ propertyNames: tie('schema') }),
    fc.record({ patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('schema'), { maxKeys: 2 }) }),
    fc.record({ dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }) }),
  ),
}))

test('any schema of the words that are checked', () => {
  fc.assert(
    fc.property(schema, fc.array(value, { minLength: 1, maxLength: 10 }), (found, values) => {
      const whole = plain(typeof found === 'boolean' ? { allOf: [found] } : found) as object
      for (const each of values) expect([each, inGuest(whole, each)]).toEqual([each, inRing0(whole, each)])
    }),
    { numRuns: 100 },
  )
})

describe('references', () => {
  const tree = {
    type: 'object',
    properties: { value: { type: 'number' }, children: { type: 'array', items: { $ref: '#' } } },
    required: ['value'],
    additionalProperties: false,
  }
  const named = { $defs: { 'a/b': { type: 'string' } }, items: { $ref: '#/$defs/a~1b' } }

  test.each([
    [tree, { value: 1, children: [{ value: 2 }] }, true],
    [tree, { value: 1, children: [{ value: 2, children: [{}] }] }, false],
    [named, ['a'], true],
    [named, ['a', 1], false],
  ])('%j of %j: %s', (found, each, fits) => expect(inGuest(found, each)).toBe(fits))

  test('lead nowhere else', () => {
    for (const $ref of ['#/$defs/gone', 'https://example.com/schema', 7])
      expect(() => jsonSchemaCheck({ $ref })).toThrow()
  })
})

describe('a problem says where and why', () => {
  test.each<[object, unknown, unknown]>([
    [
      { properties: { lines: { items: { required: ['price'] } } } },
      { lines: [{ price: 1 }, {}] },
      [{ path: 'input.lines.1', message: 'Instance does not have required property "price".' }],
    ],
    [
      { properties: { 'a/b': { maximum: 5 } }, required: ['order'] },
      { 'a/b': 7 },
      [
        { path: 'input', message: 'Instance does not have required property "order".' },
        { path: 'input.a/b', message: '7 is greater than 5.' },
      ],
    ],
    [
      { anyOf: [{ type: 'string' }, { required: ['a'] }] },
      {},
      [{ path: 'input', message: 'Instance does not match any subschemas.' }],
    ],
    [
      { properties: {}, additionalProperties: false },
      { c: 1 },
      [{ path: 'input', message: 'Property "c" does not match additional properties schema.' }],
    ],
  ])('%j of %j', (found, each, problems) => expect(jsonSchemaCheck(found)(each)).toEqual({ problems }))
})

describe('a schema that would not be checked as its author believes is refused', () => {
  test.each<[unknown, string]>([
    [{ minimun: 1 }, '#'],
    [{ properties: { a: { type: 'strin' } } }, '#/properties/a/type'],
    [{ items: { pattern: '(' } }, '#/items/pattern'],
    [{ format: 'e-mail' }, '#/format'],
    [{ minimum: '5' }, '#/minimum'],
    [{ properties: { a: 7 } }, '#/properties/a'],
    [{ $dynamicRef: '#a' }, '#'],
    [7, '#'],
  ])('%j', (found, place) => expect(() => jsonSchemaCheck(found)).toThrow(`found at ${place}: `))
})

test('the schema of the author stays as it is', () => {
  const found = Object.freeze({ $ref: '#/$defs/a', $defs: Object.freeze({ a: Object.freeze({ type: 'string' }) }) })
  expect([inGuest(found, 'a'), inGuest(found, 1)]).toEqual([true, false])
})
