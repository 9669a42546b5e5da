import type { Profile } from './profile.ts'

/** The report as a value and as Markdown. Pure: the same state gives the same bytes, so writing it twice is harmless. */
export interface FileRow extends Profile {
  readonly file: string
}

export interface Report {
  /** In the order of arrival, each file once. */
  readonly rows: readonly FileRow[]
  /** ISO times since when nothing came, oldest first, each once. */
  readonly silences: readonly string[]
}

/** The newest are kept, so that the state of the reporter stays small however long it runs. */
const mostRows = 200
const mostSilences = 50

export const emptyReport: Report = { rows: [], silences: [] }

/** A file that came again keeps its place and gets its new numbers. */
export function withRow(report: Report, row: FileRow): Report {
  const known = report.rows.some(({ file }) => file === row.file)
  const rows = known ? report.rows.map((old) => (old.file === row.file ? row : old)) : [...report.rows, row]
  return { ...report, rows: rows.slice(-mostRows) }
}

export function withSilence(report: Report, since: string): Report {
  if (report.silences.includes(since)) return report
  return { ...report, silences: [...report.silences, since].slice(-mostSilences) }
}

export function markdown({ rows, silences }: Report): string {
  const anomalous = rows.filter(({ anomalies }) => anomalies.length > 0).length
  return [
    '# Pipeline report',
    '',
    `${rows.length} files, ${rows.reduce((sum, row) => sum + row.rows, 0)} rows, ${anomalous} files with anomalies.`,
    '',
    '| file | rows | columns | anomalies |',
    '|---|---:|---:|---|',
    ...rows.map((row) => `| ${cell(row.file)} | ${row.rows} | ${row.columns} | ${cell(anomaliesOf(row))} |`),
    ...(silences.length === 0 ? [] : ['', '## Alerts', '', ...silences.map((since) => `- no data since ${since}`)]),
    '',
  ].join('\n')
}

const anomaliesOf = ({ anomalies }: Profile): string =>
  anomalies.map(({ column, count, example }) => `${column}: ${count} (such as ${example})`).join('; ') || 'none'

/** File and column names come from outside: none of them may end a cell or a line. */
const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('|', '\\|')
