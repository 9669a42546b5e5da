import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median, type Row, row } from './statistics.ts'

const rounds = 3
const program = fileURLToPath(new URL('./programs/large-bundle.ts', import.meta.url))

/** What a code cache saves of a wake; the first two come without one. */
export function largeBundle(): Row[] {
  const without: number[] = []
  const cached: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const args = ['--disable-warning=ExperimentalWarning', '--conditions=@vigil/source', program]
    const [, second, , ...later] = JSON.parse(execFileSync(process.execPath, args).toString()) as number[]
    without.push(second ?? Number.NaN)
    cached.push(median(later))
  }
  return [row('wake of an agent of 750 KB, code cache', 'ms', cached, { name: 'without', values: without })]
}
