import { expect, test } from 'vitest'
import { fromDollars, minus, plus, toDollars } from './amounts.ts'

test('dollars are counted in millionths, and nothing that costs is free', () => {
  expect([0.1 + 0.2, 1.1, 0, 4e-7, 1e-9, 50].map(fromDollars)).toEqual([300_000, 1_100_000, 0, 1, 1, 50_000_000])
  expect(toDollars(1_250_000)).toBe(1.25)
})

test('what is nothing is absent, and nothing is less', () => {
  expect(plus({ usd: 1 }, { usd: 2, runs: 0 })).toEqual({ usd: 3 })
  expect(minus({ usd: 1, tokens: 5 }, { usd: 3, tokens: 5 })).toEqual({})
})
