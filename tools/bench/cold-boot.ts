import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Row, row } from './statistics.ts'

const rounds = 5
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a program until its output matches or it ends; milliseconds. */
async function timed(args: readonly string[], sign?: RegExp): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const seen = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (sign?.test(text) === true) resolve()
    })
  })
  await (sign === undefined ? closed : Promise.race([seen, closed]))
  const took = performance.now() - began
  child.kill('SIGTERM')
  await closed
  return took
}

/** From exec to the ready line with four agents, first start and second start, beside an empty node. */
export async function coldBoot(): Promise<Row[]> {
  const first: number[] = []
  const second: number[] = []
  const bare: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
    const boot = [
      '--disable-warning=ExperimentalWarning',
      'tools/start/main.ts',
      'supervisor',
      'examples/pipeline-watch',
      '--data',
      folder,
      '--port',
      '0',
    ]
    bare.push(await timed(['-e', '0']))
    first.push(await timed(boot, /^vigil ready/m))
    second.push(await timed(boot, /^vigil ready/m))
    rmSync(folder, { recursive: true, force: true })
  }
  return [
    row('cold boot to ready, empty data directory', 'ms', first, { name: 'node -e 0', values: bare }),
    row('cold boot to ready, recovering', 'ms', second, { name: 'node -e 0', values: bare }),
  ]
}
