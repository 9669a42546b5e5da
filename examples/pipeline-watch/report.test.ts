import { describe, expect, it } from 'vitest'
import { emptyReport, type FileRow, markdown, type Report, withRow, withSilence } from './report.ts'

const row = (file: string, rows = 3): FileRow => ({ file, rows, columns: 2, anomalies: [] })
const linesOf = (report: Report): string[] => markdown(report).split('\n')

describe('report', () => {
  it('has one table row per file, however often the file came', () => {
    const report = ['a.csv', 'b.csv', 'a.csv'].reduce((sum, file, n) => withRow(sum, row(file, n)), emptyReport)
    expect(linesOf(report).filter((line) => line.includes('.csv'))).toEqual([
      '| a.csv | 2 | 2 | none |',
      '| b.csv | 1 | 2 | none |',
    ])
  })

  it('sums up and names the anomalies', () => {
    const anomalies = [{ column: 'price', count: 2, example: 99 }]
    const report = withRow(withRow(emptyReport, row('a.csv')), { ...row('b.csv'), anomalies })
    expect(markdown(report)).toContain('2 files, 6 rows, 1 files with anomalies.')
    expect(markdown(report)).toContain('| b.csv | 3 | 2 | price: 2 (such as 99) |')
  })

  it('has one alert per silence and no heading without one', () => {
    const since = '2026-01-01T00:00:00.000Z'
    expect(markdown(emptyReport)).not.toContain('Alerts')
    const report = withSilence(withSilence(emptyReport, since), since)
    expect(linesOf(report).filter((line) => line.startsWith('- '))).toEqual([`- no data since ${since}`])
  })

  it('lets no name break the table', () => {
    const anomalies = [{ column: 'a|b\nc', count: 1, example: 1 }]
    expect(markdown(withRow(emptyReport, { ...row('x|y.csv'), anomalies }))).toContain(
      '| x\\|y.csv | 3 | 2 | a\\|b c: 1 (such as 1) |',
    )
  })

  it('keeps the newest 200 files and 50 silences', () => {
    const numbers = Array.from({ length: 201 }, (_, n) => n)
    const full = numbers.reduce((sum, n) => withSilence(withRow(sum, row(`${n}.csv`)), `${n}`), emptyReport)
    expect(full.rows).toHaveLength(200)
    expect(full.rows[0]?.file).toBe('1.csv')
    expect(full.silences).toHaveLength(50)
    expect(full.silences.at(-1)).toBe('200')
  })
})
