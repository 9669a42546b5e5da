import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bundle, Clock, Compute } from '@vigil/protocol'
import { Supervisor } from '@vigil/supervisor'
import { systemClock } from '@vigil/supervisor/internal'
import { simulatedCellLauncher } from '@vigil/testkit'
import { median, type Row, row } from './statistics.ts'

const rounds = 3
const agents = 10_000
const wakes = 40
const code = 'module.exports = { default: () => process.hrtime.bigint().toString() }'
const module: Bundle = { code, hash: createHash('sha256').update(code).digest('hex') }

/** A data directory in which ten thousand agents were deployed and came up once; nothing of it needs a real cell. */
async function register(dataDir: string): Promise<void> {
  const clock: Clock = systemClock()
  const cells = simulatedCellLauncher({
    clock,
    program(_bundle, port) {
      port.asked(() => port.close())
      port.post('{"t":"ready"}')
    },
  })
  const compute = { bundle: async () => module, close: async () => {} } as unknown as Compute
  const s = await Supervisor.start({ dataDir, ports: { cells, compute, guestRuntime: module } })
  const names = Array.from({ length: agents }, (_, k) => `agent-${k}`)
  for (let at = 0; at < agents; at += 500)
    await Promise.all(
      names
        .slice(at, at + 500)
        .map((name) => s.spawn({ name, entrypoint: new URL('./agents/clock-in.ts', import.meta.url) })),
    )
  await s.stop()
}

async function heapKb(): Promise<number> {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('expected node to run with --expose-gc, as `pnpm bench` does')
  // What ended just now is held until the next turn of the loop.
  for (let k = 0; k < 5; k += 1) {
    await new Promise(setImmediate)
    gc()
  }
  return process.memoryUsage().heapUsed / 1_024
}

interface Figures {
  readonly bootMs: number
  readonly kbEach: number
  readonly wakeMs: number
}

async function round(dataDir: string): Promise<Figures> {
  const before = await heapKb()
  const began = performance.now()
  const s = await Supervisor.start({ dataDir })
  const bootMs = performance.now() - began
  // The spare, and the sleepers' supervisors, which go in the first turns of the loop.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const kbEach = ((await heapKb()) - before) / agents
  const took: number[] = []
  for (let k = 0; k < wakes; k += 1) {
    const agent = s.get(`agent-${k * 7}`)
    if (agent.status().residency !== 'hibernated') throw new Error(`agent-${k * 7}: expected it asleep`)
    const offered = process.hrtime.bigint()
    const entered = BigInt((await agent.run(k)) as string)
    took.push(Number(entered - offered) / 1e6)
    await agent.stop()
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  await s.stop()
  return { bootMs, kbEach, wakeMs: median(took) }
}

/** Ten thousand registered agents that sleep: what they cost, and how soon one of them works. */
export async function manyAgents(): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  try {
    await register(dataDir)
    const all: Figures[] = []
    for (let k = 0; k < rounds; k += 1) {
      all.push(await round(dataDir))
      // Awake agents were stopped; the next round has to find them as this one did.
      const s = await Supervisor.start({ dataDir })
      for (const { name, state } of s.list()) if (state === 'stopped') await s.get(name).start()
      await s.stop()
    }
    const of = (name: string, unit: string, key: keyof Figures, target: string): Row =>
      row(
        `10,000 sleeping agents: ${name}`,
        unit,
        all.map((figures) => figures[key]),
        undefined,
        target,
      )
    return [
      of('boot', 'ms', 'bootMs', '<= 5,000 ms'),
      of('heap each', 'KB', 'kbEach', '<= 20 KB'),
      of('wake -> run() entered in a spare, p50', 'ms', 'wakeMs', '<= 5 ms'),
    ]
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
