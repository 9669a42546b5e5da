import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Row, row } from './statistics.ts'

const rounds = 3
const writerCounts = [1, 8, 64, 512]
const names = ['journal', 'bare', 'sqlite', 'lmdb'] as const
type Name = (typeof names)[number]

interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly lag: number
}

/** In a process of its own: nobody's code is compiled for the shapes of another's. */
async function measured(name: Name, writers: number): Promise<Figures> {
  const program = fileURLToPath(new URL('./programs/append-round.ts', import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', program, name, `${writers}`]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

const goals: Partial<Record<number, string>> = { 64: '>= 0.85 of the best', 512: 'ahead of both' }

/** Small records made durable by so many writers at once, beside a bare file and two databases, all grouped the same way. */
export async function journalAppends(): Promise<Row[]> {
  const rows: Row[] = []
  for (const writers of writerCounts) {
    const figures = new Map<Name, Awaited<ReturnType<typeof measured>>[]>()
    for (let round = 0; round < rounds; round += 1)
      for (const name of names) figures.getOrInsertComputed(name, () => []).push(await measured(name, writers))
    const of = (name: Name, key: 'perSecond' | 'p50' | 'p99' | 'lag') =>
      (figures.get(name) ?? []).map((each) => each[key])
    for (const name of ['bare', 'sqlite', 'lmdb'] as const)
      rows.push(
        row(
          `journal, ${writers} writers`,
          'appends/s',
          of('journal', 'perSecond'),
          { name, values: of(name, 'perSecond') },
          goals[writers],
        ),
      )
    for (const key of ['p50', 'p99'] as const)
      rows.push(
        row(`journal, ${writers} writers, ${key}`, 'ms', of('journal', key), { name: 'bare', values: of('bare', key) }),
      )
    rows.push(row(`journal, ${writers} writers, loop lag p99`, 'ms', of('journal', 'lag'), undefined, '<= 2 ms'))
  }
  return rows
}
