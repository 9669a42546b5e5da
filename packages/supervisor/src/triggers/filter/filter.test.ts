import { limits } from '@vigil/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileFilter, compilePath, filterProblem, pathProblem } from './filter.ts'
import { type Expression, parseFilter } from './parse.ts'

const scope = {
  payload: {
    severity: 'High',
    count: 3,
    rate: -0.5,
    done: true,
    none: null,
    'x-y': { 'a b': 1 },
    tags: ['red', 'blue', 7],
    items: [{ id: 'a' }, { id: 'b' }],
    by: { name: 'Ann' },
  },
  metadata: { headers: { 'x-kind': 'push' } },
  type: 'webhook',
  event_id: 'e1',
  trigger_id: 'webhook-1',
  timestamp: '2026-01-02T03:04:05.000Z',
}

describe('a filter', () => {
  test.each([
    ["payload.severity == 'High'", true],
    ['payload.severity == "high"', false],
    ["lower(payload.severity) == 'high'", true],
    ["payload.severity != 'Low'", true],
    ['payload.count == 3', true],
    ["payload.count == '3'", false],
    ["payload.count != '3'", true],
    ['payload.count > 2.5', true],
    ['payload.count >= 3 and payload.count <= 3', true],
    ['payload.count<3', false],
    ['payload.rate < -0.4', true],
    ['payload.rate > -5e-1', false],
    ["payload.severity > 'Alpha'", true],
    ["payload.severity < 9 or payload.severity >= 'a'", false],
    ['payload.done', true],
    ['payload.done == true', true],
    ['!payload.done', false],
    ['payload.severity', false],
    ['not payload.severity', true],
    ['payload.none == null', true],
    ['payload.gone == null', true],
    ['payload.gone.deeper[3].still == null', true],
    ['payload.gone < 1', false],
    ['payload.gone >= null', false],
    ["payload.gone != 'x'", true],
    ["payload['x-y']['a b'] == 1", true],
    ["payload.items[1].id == 'b'", true],
    ['payload.items[2] == null', true],
    ['payload.items.length == null', true],
    ["payload.items['0'] == null", true],
    ['payload.by[0] == null', true],
    ["'red' in payload.tags", true],
    ["'7' in payload.tags", false],
    ['7 in payload.tags', true],
    ["'green' not in payload.tags", true],
    ["payload.tags contains 'blue'", true],
    ["contains(payload.tags, 'blue')", true],
    ["payload.severity in ['Low', 'High']", true],
    ["['Low', payload.severity] contains 'High'", true],
    ['payload.count in []', false],
    ["'ig' in payload.severity", true],
    ["payload.severity contains 'ih'", false],
    ["'name' in payload.by", true],
    ["'toString' in payload.by", false],
    ['1 in payload.severity', false],
    ["payload.severity starts_with 'Hi'", true],
    ["starts_with(payload.severity, 'hi')", false],
    ["payload.tags starts_with 'red'", false],
    ['len(payload.tags) == 3', true],
    ['len(payload.by) == 1', true],
    ['(len(payload.severity)) > 3', true],
    ['len(payload.count) == null', true],
    ['lower(payload.count) == null', true],
    ['payload.tags == payload.tags', false],
    ['payload.by != payload.by', true],
    ["metadata.headers['x-kind'] == 'push' && type == 'webhook'", true],
    ["event_id == 'e1' and trigger_id == 'webhook-1' and timestamp > '2026'", true],
    ['true || false && false', true],
    ['(true or false) and false', false],
    ['not false and false', false],
    ['not (false and false)', true],
    ["payload.severity == 'it\\'s'", false],
    ['(payload.count > 1) == true', true],
    ['true\n  and\ttrue', true],
  ])('%s: %s', (text, fits) => {
    expect(filterProblem(text)).toBeUndefined()
    expect(compileFilter(text)(scope)).toBe(fits)
  })

  test.each([
    ['', 'column 1: expected a value, or a path that begins with payload'],
    ["payload.severity = 'high'", 'column 18: expected ==, found ='],
    ["payload.severity == 'high", "column 21: expected a text that ends with ', found no end of it"],
    ["payloda.severity == 'high'", 'column 1: expected a value, or a path'],
    ['payload.x-y == 1', "(a name with other characters is written payload['x-y']), found -"],
    ['payload.count & 1', 'column 15: expected and or &&, found &'],
    ['payload.count | 1', 'column 15: expected or or ||, found |'],
    ['payload.count + 1', 'column 15: expected a path, a value or an operator'],
    ['1 < payload.count < 3', 'column 19: expected and, or or the end, found <'],
    ['payload.', "column 9: expected a name (others are written ['x-y']), found the end"],
    ['payload.0', 'column 9: expected a name'],
    ['payload[x]', 'column 9: expected a place such as [0]'],
    ['payload[-1]', 'column 9: expected a place'],
    ['payload[1.5]', 'column 9: expected a place'],
    ['payload[0', 'column 10: expected ], found the end'],
    ['(payload.done', 'column 14: expected ), found the end'],
    ['payload.done)', 'column 13: expected and, or or the end, found )'],
    ['eval(payload)', 'column 1: expected len, lower, contains or starts_with, found eval'],
    ['payload.toString() == 1', 'column 17: expected and, or or the end, found ('],
    ['len(payload, 1) > 0', 'column 12: expected ), found ,'],
    ['contains(payload.a)', 'column 19: expected ,, found )'],
    ['len(payload.tags)', 'column 1: expected a comparison or a path, found len(…) alone'],
    ["payload.done and 'yes'", 'column 18: expected a comparison or a path, found "yes"'],
    ['not 1', 'column 5: expected a comparison or a path, found 1'],
    ["payload.tags == ['red']", 'column 17: expected a list only behind `in`'],
    ['payload.a not contains 1', 'column 15: expected in, found contains'],
    ["payload.a == '\\u0041'", 'column 15: expected one of'],
    ['payload.a == 1e999', 'column 14: expected a number that a double can hold, found 1e999'],
    ['constructor == 1', 'column 1: expected a value, or a path'],
    ['`x`', 'column 1: expected a path, a value or an operator'],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, 'expected at most 32 levels, found one more'],
    [`${'not '.repeat(40)}true`, 'expected at most 32 levels, found one more'],
    [`${'len('.repeat(40)}1`, 'expected at most 32 levels, found one more'],
    [`payload.a == '${'x'.repeat(2_000)}'`, 'expected at most 2000 characters, found 2015'],
  ])('%s is refused: %s', (text, problem) => {
    expect(filterProblem(text)).toContain(problem)
    expect(() => compileFilter(text)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
  })
})

describe('a path', () => {
  test('gives the value, or null', () => {
    expect(compilePath('payload.items[0].id')(scope)).toBe('a')
    expect(compilePath("payload['x-y']")(scope)).toEqual({ 'a b': 1 })
    expect(compilePath('payload.gone.further')(scope)).toBeNull()
    expect(compilePath('type')({})).toBeNull()
  })

  test.each(['', 'payload.', 'payload.a == 1', 'len(payload)', "'a'", '1', 'true', 'other.a', 'payload a'])(
    'is refused: %s',
    (text) => expect(pathProblem(text)).toMatch(/^path, column \d+: expected .*, found /),
  )
})

describe('hostile events', () => {
  const fits = (text: string, payload: unknown) => compileFilter(text)({ payload })

  test('prototypes and getters are never reached', () => {
    const touched: string[] = []
    const payload = Object.defineProperty(Object.create({ inherited: 1 }), 'trap', { get: () => touched.push('trap') })
    for (const key of ['inherited', 'trap', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(fits(`payload.${key} == null`, payload), key).toBe(true)
    expect(touched).toEqual([])
    expect(fits('payload.__proto__.admin == true', JSON.parse('{"__proto__":{"admin":true}}'))).toBe(true)
  })

  test('a search that the platform makes quadratic is not begun', () => {
    const payload = { whole: 'a'.repeat(900_000), part: `${'a'.repeat(200_000)}b${'a'.repeat(200_000)}` }
    expect(fits('payload.part in payload.whole', payload)).toBe(false)
    expect(fits(`'${'a'.repeat(limits.filterSearchChars)}' in payload.whole`, payload)).toBe(true)
  })

  test('a filter that looks at too much says no', () => {
    const text = (times: number) => Array.from({ length: times }, () => "not ('x' in payload.list)").join(' and ')
    const payload = { list: Array.from({ length: 300_000 }, () => 'y') }
    expect(fits(text(3), payload)).toBe(true)
    expect(fits(text(4), payload)).toBe(false)
    expect(fits(`true or ${text(4)}`, payload)).toBe(true)
  })
})

/** What `parseFilter` reads back as the same tree. */
function print(expression: Expression): string {
  const inner = (part: Expression): string =>
    ['and', 'or', 'not', 'compare'].includes(part.kind) ? `(${print(part)})` : print(part)
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? quote(expression.value) : String(expression.value)
    case 'list':
      return `[${expression.items.map(inner).join(', ')}]`
    case 'path':
      return `${expression.root}${expression.keys.map((key) => `[${typeof key === 'number' ? key : quote(key)}]`).join('')}`
    case 'call':
      return `${expression.name}(${inner(expression.of)})`
    case 'compare':
      return `${inner(expression.left)} ${expression.by} ${inner(expression.right)}`
    case 'not':
      return `not ${inner(expression.of)}`
    default:
      return expression.items.map(inner).join(` ${expression.kind} `)
  }
}
const quote = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

const name = fc.string({ unit: 'binary', maxLength: 6 })
const literal = fc
  .oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), name)
  .map((value) => ({ kind: 'literal', value: Object.is(value, -0) ? 0 : value }) as Expression)
const path = fc.record({
  kind: fc.constant('path' as const),
  root: fc.constantFrom('payload', 'metadata', 'type', 'event_id', 'trigger_id', 'timestamp'),
  keys: fc.array(fc.oneof(name, fc.constantFrom('a', 'b'), fc.nat(3)), { maxLength: 3 }),
})
const { truth } = fc.letrec<{ truth: Expression; operand: Expression }>((tie) => ({
  operand: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(literal, path),
    fc.record({ kind: fc.constant('call'), name: fc.constantFrom('len', 'lower'), of: tie('operand') }),
    tie('truth'),
  ) as fc.Arbitrary<Expression>,
  truth: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    path,
    fc.record({
      kind: fc.constant('compare'),
      by: fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'in', 'starts_with'),
      left: tie('operand'),
      right: tie('operand'),
    }),
    fc.record({
      kind: fc.constant('compare'),
      by: fc.constant('in'),
      left: tie('operand'),
      right: fc.record({ kind: fc.constant('list'), items: fc.array(tie('operand'), { maxLength: 3 }) }),
    }),
    fc.record({ kind: fc.constant('not'), of: tie('truth') }),
    fc.record({ kind: fc.constantFrom('and', 'or'), items: fc.array(tie('truth'), { minLength: 2, maxLength: 3 }) }),
  ) as fc.Arbitrary<Expression>,
}))
const printed = truth.map((tree) => ({ tree, text: print(tree) })).filter(({ text }) => text.length <= 2_000)

describe('every filter', () => {
  test('reads back what it prints', () => {
    fc.assert(
      fc.property(printed, ({ tree, text }) => {
        expect(parseFilter(text)).toEqual(tree)
      }),
    )
  })

  test('answers every event with yes or no', () => {
    const json = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(printed, json, json, ({ text }, payload, metadata) => {
        expect([true, false]).toContain(compileFilter(text)({ payload, metadata, type: 'manual' }))
      }),
    )
  })

  test('is refused in one form when it is no filter', () => {
    const words = fc.constantFrom(
      'payload',
      '.a',
      '[0]',
      "'x'",
      '1',
      '==',
      'in',
      'not',
      '(',
      ')',
      'and',
      'len',
      '[',
      ']',
      ',',
      '=',
    )
    const text = fc.oneof(
      fc.array(words, { maxLength: 12 }).map((list) => list.join(' ')),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, (any) => {
        const problem = filterProblem(any)
        if (problem !== undefined) expect(problem).toMatch(/^filter, column \d+: expected .*, found /s)
        else expect([true, false]).toContain(compileFilter(any)({ payload: { a: [1] } }))
      }),
    )
  })
})
