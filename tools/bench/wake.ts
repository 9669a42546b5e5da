import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Supervisor } from '@vigil/supervisor'
import { bareSum } from './bare.ts'
import { median, type Row, row } from './statistics.ts'

const rounds = 5
const samples = 200

/** Accepted event -> run() entered, in a resident agent, beside the bare sum of the same round. */
export async function wake(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const values: number[] = []
  const bare: number[] = []
  try {
    await using s = await Supervisor.start({ dataDir: folder })
    const agent = await s.spawn({ name: 'clock-in', entrypoint: new URL('./agents/clock-in.ts', import.meta.url) })
    for (let k = 0; k < 50; k += 1) await agent.run(k)
    for (let round = 0; round < rounds; round += 1) {
      bare.push((await bareSum(samples)).sumUs)
      const took: number[] = []
      for (let k = 0; k < samples; k += 1) {
        const offered = process.hrtime.bigint()
        const entered = BigInt((await agent.run(k)) as string)
        took.push(Number(entered - offered) / 1_000)
      }
      values.push(median(took))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return [
    row(
      'accepted event -> run() entered, p50',
      'us',
      values,
      { name: 'port round trip + fdatasync', values: bare },
      '<= 2.5',
    ),
  ]
}
