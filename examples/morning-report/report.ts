/** Pure: what of two sources is not as it should be, and how the report looks. */
export interface Pipeline {
  readonly name: string
  readonly rows: number
  readonly expected: number
}

export interface Table {
  readonly table: string
  /** ISO time. */
  readonly loaded: string
}

export interface Findings {
  readonly wrong: string
  readonly cause: string
  readonly next: string
}

/** Less than nine rows of ten. */
export const late = (pipelines: readonly Pipeline[]): Pipeline[] =>
  pipelines.filter(({ rows, expected }) => rows < 0.9 * expected)

const dayMs = 86_400_000

export const stale = (tables: readonly Table[], nowMs: number): Table[] =>
  tables.filter(({ loaded }) => nowMs - Date.parse(loaded) > dayMs)

export const dayBefore = (nowMs: number): string => new Date(nowMs - dayMs).toISOString().slice(0, 10)

export const reportOf = (day: string, { wrong, cause, next }: Findings): string =>
  `# Morning report, ${day}\n\nWrong: ${wrong}\n\nLikely cause: ${cause}\n\nNext: ${next}\n`
