import fc from 'fast-check'
import { expect, test } from 'vitest'
import { costOf, type Price, priceOf, pricesOf, worstCost } from './price.ts'

test('the table is of a day, and knows models by their names and dated names', () => {
  expect(pricesOf).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  const mini = { input: 250_000, output: 2_000_000, cache_read: 25_000 }
  expect(priceOf('openai', 'gpt-5-mini')).toEqual(mini)
  expect(priceOf('openai', 'GPT-5-mini-2025-08-07')).toEqual(mini)
})

test.each([
  ['openai', 'gpt-5-minimal'],
  ['openai', 'claude-3-opus'],
  ['nobody', 'gpt-5-mini'],
  ['constructor', 'name'],
  ['openai', ''],
])('%s/%s has no price', (provider, model) => expect(priceOf(provider, model)).toBeUndefined())

const tiered: Price = {
  input: 1_250_000,
  output: 10_000_000,
  cache_read: 125_000,
  above: [{ tokens: 200_000, input: 2_500_000, output: 15_000_000, cache_read: 250_000 }],
}

test.each([
  ['a part of a micro-dollar counts as one', { input: 1, output: 0 }, 2],
  ['what was read from a cache is a part of the input', { input: 1_000, cache_read: 400, output: 0 }, 800],
  [
    'what was written to one costs as much as other input, without a rate',
    { input: 10, cache_write: 10, output: 0 },
    13,
  ],
  ['at the limit the lower rates', { input: 200_000, output: 1_000 }, 260_000],
  ['above it the higher ones, for all tokens', { input: 200_001, output: 1_000 }, 515_003],
])('%s', (_name, usage, cost) => expect(costOf(tiered, usage)).toBe(cost))

test('a call has its own price, and what is kept for an hour another one', () => {
  const price = { input: 1_000_000, output: 0, cache_write: 1_250_000, cache_write_1h: 2_000_000, call: 5_000 }
  expect(costOf(price, { input: 100, output: 0 })).toBe(5_100)
  expect(costOf(price, { input: 100, output: 0, cache_write: 40, cache_write_1h: 60 })).toBe(5_170)
})

const tokens = fc.integer({ min: 0, max: 1_000_000 })
const rate = fc.integer({ min: 0, max: 100_000_000 })
const rates = fc.record(
  { input: rate, output: rate, cache_read: rate, cache_write: rate, cache_write_1h: rate, call: rate },
  { requiredKeys: ['input', 'output'] },
)
const price = fc.tuple(rates, fc.array(fc.tuple(tokens, rates), { maxLength: 3 })).map(
  ([base, above]): Price => ({
    ...base,
    above: above.map(([from, tier]) => ({ tokens: from, ...tier })).sort((a, b) => a.tokens - b.tokens),
  }),
)

test('no call costs more than the worst of its size', () => {
  fc.assert(
    fc.property(
      price,
      tokens,
      tokens,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
      (each, input, output, [a = 0, b = 0, c = 0, d = 0, e = 0]) => {
        const used = Math.floor(input * a)
        const whole = Math.max(1, b + c + d)
        const part = (share: number): number => Math.floor((used * share) / whole)
        const usage = {
          input: used,
          output: Math.floor(output * e),
          cache_read: part(b),
          cache_write: part(c),
          cache_write_1h: part(d),
        }
        expect(costOf(each, usage)).toBeLessThanOrEqual(worstCost(each, { input, output }))
      },
    ),
  )
})
