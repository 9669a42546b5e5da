import { describe, expect, it } from 'vitest'
import { contentCheck, schemaProblem } from './message-schema.ts'

const order = {
  type: 'object',
  properties: {
    items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } } } },
    mail: { type: 'string', format: 'email' },
    'a/b': { enum: ['x', 'y'] },
  },
  required: ['items'],
  additionalProperties: false,
}

describe('content', () => {
  const check = contentCheck({ type: 'message', schema: order })
  it.each<[unknown, string]>([
    [{ items: [{}, { price: '3' }] }, 'content.items.1.price must be number, found "3"'],
    [{}, "content must have required property 'items', found {}"],
    [{ items: [], more: 1 }, 'content must NOT have additional properties ("more"), found {"items":[],"more":1}'],
    [{ items: [], mail: 'nobody' }, 'content.mail must match format "email", found "nobody"'],
    [{ items: [], 'a/b': 'z' }, 'content.a/b must be equal to one of the allowed values (["x","y"]), found "z"'],
    [null, 'content must be object, found null'],
  ])('%j: %s', (content, words) => {
    expect(check(content)).toBe(words)
  })

  it('that fits says nothing, and without a schema anything fits', () => {
    expect(check({ items: [{ price: 3 }], mail: 'a@b.example' })).toBeUndefined()
    expect(contentCheck({ type: 'message' })(7)).toBeUndefined()
  })

  it('is checked as its draft says', () => {
    const tuple = (schema: object) => contentCheck({ type: 'message', schema: { type: 'array', ...schema } })(['x'])
    expect(tuple({ prefixItems: [{ type: 'number' }] })).toContain('content.0 must be number')
    expect(tuple({ $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'number' }] })).toContain(
      'content.0 must be number',
    )
  })

  it('has what stands in it, not what every object inherits', () => {
    expect(contentCheck({ type: 'message', schema: { required: ['toString'] } })({})).toContain('toString')
  })
})

describe('a schema', () => {
  it.each<[schema: unknown, path: (string | number)[], words: string]>([
    [{ properties: { a: { type: 'strin' } } }, ['properties', 'a', 'type'], 'must be equal to one of the allowed'],
    [{ propertys: {} }, [], 'unknown keyword: "propertys"'],
    [{ $ref: 'https://elsewhere.example/x' }, [], "can't resolve reference"],
    [{ type: 'string', format: 'colour' }, [], 'unknown format "colour"'],
    [{ type: 'string', pattern: '(' }, [], 'Invalid regular expression'],
    [{ const: 'x'.repeat(70_000) }, [], 'at most 64000 bytes'],
  ])('$#: is refused', (schema, path, words) => {
    expect(schemaProblem(schema)).toMatchObject({ path, message: expect.stringContaining(words) })
  })

  it('may be looked at again and again, also under a name of its own', () => {
    const schema = () => ({ $id: 'https://vigil.example/order', ...order })
    for (let k = 0; k < 3; k += 1) {
      expect(schemaProblem(schema())).toBeUndefined()
      expect(contentCheck({ type: 'message', schema: schema() })({ items: [] })).toBeUndefined()
    }
  })
})
