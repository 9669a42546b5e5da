import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Row, row } from './statistics.ts'

const rounds = 7
const script = fileURLToPath(new URL('./gate-round.ts', import.meta.url))

/** Each in a process of its own: two kinds of store in one would cost both the inlining that each has alone. */
const effectsPerSecond = (kind: 'journal' | 'none'): number =>
  Number(execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script, kind], { encoding: 'utf8' }))

/** The gate and the journal without cells, threads or wire. */
export function gateAlone(): Row[] {
  const values: number[] = []
  const without: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    values.push(effectsPerSecond('journal'))
    without.push(effectsPerSecond('none'))
  }
  return [
    row(
      'gate alone, two-record effects, 64 in flight',
      '/s',
      values,
      { name: 'without a journal', values: without },
      '>= 100,000/s',
    ),
  ]
}
