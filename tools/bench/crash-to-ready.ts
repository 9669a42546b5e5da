import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Supervisor } from '@vigil/supervisor'
import { median, type Row, row } from './statistics.ts'

const rounds = 5
const samples = 12
const entrypoint = new URL('./agents/actor.ts', import.meta.url)

/** A life ends, is put on record, and the next one is ready: milliseconds, by the moments that observers see. */
async function restarts(isolation: 'process' | 'thread', spares: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  try {
    await using s = await Supervisor.start({ dataDir: folder, config: { cells: { size: 8, spares } } })
    const spec = {
      entrypoint,
      isolation,
      restartBackoff: 0,
      maxRestarts: 1_000_000,
      maxRestartsWithoutProgress: 1_000_000,
      hibernateAfter: 0,
    } as const
    // In a shared cell somebody else stays, so that the cell does.
    await s.spawn({ ...spec, name: 'sibling' })
    const agent = await s.spawn({ ...spec, name: 'agent' })
    const took: number[] = []
    for (let k = 0; k < samples; k += 1) {
      // Until a spare stands ready.
      await new Promise((resolve) => setTimeout(resolve, 250))
      const { epoch, pid } = agent.status()
      let exited = 0
      const off = s.on('report', () => {
        exited = performance.now()
      })
      if (isolation === 'process') process.kill(pid ?? 0, 'SIGKILL')
      else await agent.enqueue({ act: 'leave' })
      while (agent.status().epoch === epoch || agent.status().residency !== 'resident') await new Promise(setImmediate)
      took.push(performance.now() - exited)
      off()
    }
    return median(took)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bareWorker(): Promise<number> {
  const took: number[] = []
  for (let k = 0; k < samples; k += 1) {
    const began = performance.now()
    const worker = new Worker("require('node:worker_threads').parentPort.postMessage('ready')", { eval: true })
    await once(worker, 'message')
    took.push(performance.now() - began)
    await worker.terminate()
  }
  return median(took)
}

async function bareFork(): Promise<number> {
  const took: number[] = []
  for (let k = 0; k < samples; k += 1) {
    const began = performance.now()
    const child = spawn(process.execPath, ['-e', "process.send('ready')"], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    took.push(performance.now() - began)
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  return median(took)
}

/** The end of one life to the next one ready, in each tier, with a thread that stands ready and without. */
export async function crashToReady(): Promise<Row[]> {
  const figures = { worker: [], fork: [], thread: [], threadSpare: [], process: [], processSpare: [] } as Record<
    string,
    number[]
  >
  for (let round = 0; round < rounds; round += 1) {
    figures['worker']?.push(await bareWorker())
    figures['fork']?.push(await bareFork())
    figures['thread']?.push(await restarts('thread', 0))
    figures['threadSpare']?.push(await restarts('thread', 1))
    figures['process']?.push(await restarts('process', 0))
    figures['processSpare']?.push(await restarts('process', 1))
  }
  const beside = (name: string, key: string) => ({ name, values: figures[key] ?? [] })
  const of = (name: string, key: string, bare: ReturnType<typeof beside>, target?: string): Row =>
    row(`crash -> ready, ${name}`, 'ms', figures[key] ?? [], bare, target)
  return [
    of('thread, cold', 'thread', beside('bare Worker', 'worker')),
    of('thread, a spare', 'threadSpare', beside('bare Worker', 'worker'), '<= 6 ms'),
    of('process, cold', 'process', beside('bare fork', 'fork')),
    of('process, a spare', 'processSpare', beside('bare fork', 'fork'), '<= 10 ms'),
  ]
}
