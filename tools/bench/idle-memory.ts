import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Supervisor } from '@vigil/supervisor'
import { type Row, row } from './statistics.ts'

const rounds = 3
const siblings = 8
/** Until what a start leaves behind has been collected or given back. */
const settleMs = 2_000
const entrypoint = new URL('./agents/clock-in.ts', import.meta.url)

/** The proportional set size of a process, MB: what it costs the machine when pages that it shares are split fairly. */
function pssMb(pid: number): number {
  const [, kb] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kb) / 1_024
}

/** A process of node with so many idle workers. */
async function bareMb(workers: number): Promise<number> {
  const program = `
    const { Worker } = require('node:worker_threads')
    const idle = 'setInterval(() => {}, 1e6); require("node:worker_threads").parentPort.postMessage(1)'
    Promise.all(Array.from({ length: ${workers} }, () => new Promise((up) => new Worker(idle, { eval: true }).on('message', up))))
      .then(() => process.send('up'))
    setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  await wait(settleMs)
  const mb = pssMb(child.pid ?? 0)
  child.kill('SIGKILL')
  await once(child, 'close')
  return mb
}

/** Idle agents: one in a cell of its own, and each more in a shared cell. */
async function vigilMb(): Promise<{ process: number; thread: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  try {
    await using s = await Supervisor.start({ dataDir, config: { cells: { size: siblings + 1, spares: 0 } } })
    const life = async (name: string, isolation: 'process' | 'thread'): Promise<number> => {
      const agent = await s.spawn({ name, entrypoint, isolation, hibernateAfter: 0 })
      await agent.run(name)
      return agent.status().pid ?? 0
    }
    const alone = await life('alone', 'process')
    const shared = await life('first', 'thread')
    await wait(settleMs)
    const one = pssMb(shared)
    const process = pssMb(alone)
    for (let k = 0; k < siblings; k += 1) await life(`sibling-${k}`, 'thread')
    await wait(settleMs)
    return { process, thread: (pssMb(shared) - one) / siblings }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** What an idle agent costs in each tier, beside what node alone costs in the same shape. */
export async function idleMemory(): Promise<Row[]> {
  const figures = { thread: [] as number[], worker: [] as number[], process: [] as number[], both: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    const one = await bareMb(1)
    figures.both.push(one)
    figures.worker.push(((await bareMb(siblings + 1)) - one) / siblings)
    const { process, thread } = await vigilMb()
    figures.process.push(process)
    figures.thread.push(thread)
  }
  const beside = (name: string, values: number[]) => ({ name, values })
  return [
    row('idle agent, thread tier, PSS', 'MB', figures.thread, beside('bare worker', figures.worker), '<= 1.3'),
    row('idle agent, process tier, PSS', 'MB', figures.process, beside('bare fork + worker', figures.both), '<= 1.3'),
  ]
}
