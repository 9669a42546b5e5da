import { parse } from 'csv-parse/sync'

/**
 * What a CSV file looks like, and which of its numbers stand far away from the rest. Pure.
 *
 * Median and MAD (median absolute deviation) instead of mean and standard deviation: the values that are looked for
 * would drag a mean towards themselves and hide behind it.
 */
export interface Anomaly {
  readonly column: string
  /** Values of the column that stand out. */
  readonly count: number
  /** The one that is farthest from the median. */
  readonly example: number
}

export interface Profile {
  /** Without the header. */
  readonly rows: number
  readonly columns: number
  /** At most 10 columns, in the order of the file. */
  readonly anomalies: readonly Anomaly[]
}

/** 1.4826 makes the MAD of normally distributed values their standard deviation, so the fence is six sigma. */
const fence = 6 * 1.4826
const mostAnomalies = 10

/** @throws CsvError when the text is no CSV. */
export function profile(text: string): Profile {
  const [header = [], ...rows] = parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true })
  const anomalies = header
    .map((column, index) => anomalyOf(column, numbersOf(rows, index)))
    .filter((anomaly) => anomaly !== undefined)
  return { rows: rows.length, columns: header.length, anomalies: anomalies.slice(0, mostAnomalies) }
}

/** The numbers of a column; none when a single value is a text, because then its numbers are names, too. */
function numbersOf(rows: readonly (readonly string[])[], index: number): number[] {
  const numbers: number[] = []
  for (const row of rows) {
    const value = row[index]?.trim() ?? ''
    if (value === '') continue
    const number = Number(value)
    if (!Number.isFinite(number)) return []
    numbers.push(number)
  }
  return numbers
}

function anomalyOf(column: string, numbers: readonly number[]): Anomaly | undefined {
  const middle = median(numbers)
  const distance = (value: number): number => Math.abs(value - middle)
  const mad = median(numbers.map(distance))
  // More than half of the values are equal: then any other value would stand out, which says nothing.
  if (!(mad > 0)) return undefined
  const outside = numbers.filter((value) => distance(value) > fence * mad)
  if (outside.length === 0) return undefined
  const example = outside.reduce((farthest, value) => (distance(value) > distance(farthest) ? value : farthest))
  return { column, count: outside.length, example }
}

/** NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}
