import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pages } from './pages.ts'
import { schemaText } from './schema-text.ts'

test.each(Object.entries(pages))('%s is what its table says', (path, page) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), 'run `pnpm pages`').toBe(page())
})

test.each([
  [{}, 'any'],
  [{ type: 'string' }, 'string'],
  [{ enum: ['a', 'b'] }, '"a" | "b"'],
  [{ type: 'array', items: { enum: ['a', 'b'] } }, '("a" | "b")[]'],
  [{ type: 'array', items: { prefixItems: [{ type: 'string' }, { $ref: '#/$defs/event' }] } }, '[string, event][]'],
  [{ type: 'object', additionalProperties: { type: 'number' } }, '{ [key]: number }'],
  [{ type: 'object', properties: { a: { const: true }, b: {} }, required: ['a'] }, '{ a: true, b?: any }'],
])('%j reads %s', (schema, text) => {
  expect(schemaText(schema)).toBe(text)
})
