import { expect, test } from 'vitest'
import { dayBefore, late, reportOf, stale } from './report.ts'

test('a pipeline is late below nine rows of ten, a table stale after a day', () => {
  const pipelines = [90, 89].map((rows) => ({ name: `p${rows}`, rows, expected: 100 }))
  expect(late(pipelines).map(({ name }) => name)).toEqual(['p89'])
  const now = Date.parse('2026-11-27T05:00:00Z')
  const tables = ['2026-11-26T05:00:00Z', '2026-11-26T04:59:59Z'].map((loaded) => ({ table: loaded, loaded }))
  expect(stale(tables, now)).toEqual([tables[1]])
  expect(dayBefore(now)).toBe('2026-11-26')
})

test('a report has its day and three lines', () => {
  expect(reportOf('2026-11-27', { wrong: 'a', cause: 'b', next: 'c' }).split('\n').filter(Boolean)).toEqual([
    '# Morning report, 2026-11-27',
    'Wrong: a',
    'Likely cause: b',
    'Next: c',
  ])
})
