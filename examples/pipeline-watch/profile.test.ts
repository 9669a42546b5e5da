import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { median, profile } from './profile.ts'

const dataset = (name: string): string =>
  readFileSync(new URL(`./node_modules/vega-datasets/data/${name}`, import.meta.url), 'utf8')

describe('profile', () => {
  it('counts rows and columns of a real file and finds its extreme rainfalls only where they are', () => {
    const found = profile(dataset('seattle-weather.csv'))
    expect(found.rows).toBe(1461)
    expect(found.columns).toBe(6)
    // More than half of the days are dry, so rain has no spread to measure against.
    expect(found.anomalies.map(({ column }) => column)).not.toContain('precipitation')
  })

  it('finds the rich among the countries and names the farthest value', () => {
    const { anomalies } = profile(dataset('gapminder-health-income.csv'))
    expect(anomalies.find(({ column }) => column === 'income')).toMatchObject({ example: 132_877 })
    expect(anomalies.map(({ column }) => column)).not.toContain('country')
  })

  it('leaves a value alone that lies within six deviations and takes the one beyond', () => {
    // Median 3, MAD 1: the fence stands at 3 + 8.8956.
    expect(profile('x\n1\n2\n3\n4\n11.8\n').anomalies).toEqual([])
    expect(profile('x\n1\n2\n3\n4\n11.9\n').anomalies).toEqual([{ column: 'x', count: 1, example: 11.9 }])
  })

  it('takes no column for numeric that holds a text, and none that has no spread', () => {
    expect(profile('id,flat\n1,7\n2,7\nx,7\n3,7\n4,7\n900,900\n').anomalies).toEqual([])
  })

  it('skips empty cells, blank lines, a byte order mark and short rows', () => {
    expect(profile('\uFEFFa,b\n1,\n\n2\n3,5\n4,6\n99,7\n')).toEqual({
      rows: 5,
      columns: 2,
      anomalies: [{ column: 'a', count: 1, example: 99 }],
    })
  })

  it('has nothing to say about an empty file', () => {
    expect(profile('')).toEqual({ rows: 0, columns: 0, anomalies: [] })
  })

  it('throws on a text that is no CSV', () => {
    expect(() => profile('a,b\n"open\n')).toThrow(/[Qq]uote/)
  })
})

describe('median', () => {
  it('is the middle, or the mean of the two middle values', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([])).toBeNaN()
  })
})
