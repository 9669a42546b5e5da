import { expect, test } from 'vitest'
import { backoff } from './backoff.ts'

test('backoff doubles up to its cap, and chance only shortens', () => {
  const wait = { baseMs: 1_000, maxMs: 60_000 }
  expect([0, 1, 2, 5, 6, 40].map((streak) => backoff(wait, streak, 0))).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
  ])
  expect(backoff(wait, 0, 0.999)).toBe(750)
})
