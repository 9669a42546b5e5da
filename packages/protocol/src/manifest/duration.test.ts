import { describe, expect, it } from 'vitest'
import { parseDuration } from './duration.ts'
import { splitGlob } from './glob.ts'

describe('durations and globs', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    [0.25, 250],
    ['7d', 604_800_000],
    ['25d', undefined],
    [-1, undefined],
    ['5 m', undefined],
    [null, undefined],
  ])('%j', (value, ms) => {
    expect(parseDuration(value)).toBe(ms)
  })
  it.each([
    ['/*.csv', '/', '*.csv'],
    ['*.csv', '.', '*.csv'],
    ['./in/orders.csv', './in', 'orders.csv'],
    ['./in', './in', '*'],
    ['./in/', './in', '*'],
    ['./.hidden', './.hidden', '*'],
  ])('%s', (glob, folder, pattern) => {
    const { watch_path, watch_patterns } = splitGlob(glob)
    expect([watch_path.replace(/\/$/, (end) => (watch_path === '/' ? end : '')), watch_patterns]).toEqual([
      folder,
      [pattern],
    ])
  })
})
