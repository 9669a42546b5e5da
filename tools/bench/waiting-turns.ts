import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Supervisor } from '@vigil/supervisor'
import { type FakeModel, startFakeModel } from './fake-model.ts'
import { type Row, row } from './statistics.ts'

const rounds = 3
const agents = 1_000
/** Guests that wait give their threads back: so many have one at a time. */
const resident = 64
/** Until what a start leaves behind has been given back. */
const settleMs = 5_000
const patienceMs = 300_000
const resolutionMs = 1
const names = Array.from({ length: agents }, (_, k) => `waiter-${k}`)

/** Resident memory of ring 0, which is this process, and of all its cells. */
function groupMb(model: FakeModel): number {
  let pages = 0
  for (const pid of [process.pid, ...childrenOf(process.pid)])
    if (pid !== model.pid) pages += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return (pages * 4) / 1_024
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
    } catch {
      // It ended meanwhile.
      return false
    }
  })
}

interface Figures {
  readonly mb: number
  readonly lagMs: number
}

async function round(dataDir: string, model: FakeModel): Promise<Figures> {
  const s = await start(dataDir, model)
  await wait(settleMs)
  globalThis.gc?.()
  const idle = groupMb(model)
  const loop = monitorEventLoopDelay({ resolution: resolutionMs })
  loop.enable()
  const held = model.hold(agents, patienceMs)
  const turns = names.map((name) => s.get(name).run({ text: 'Go on.' }, { timeout: patienceMs }))
  await held
  await wait(settleMs)
  // A collection that was asked for is none of its pauses.
  loop.disable()
  globalThis.gc?.()
  const mb = groupMb(model) - idle
  loop.enable()
  model.release()
  await Promise.all(turns)
  loop.disable()
  await s.stop()
  return { mb, lagMs: loop.percentile(99) / 1e6 - resolutionMs }
}

const start = (dataDir: string, { url }: FakeModel): Promise<Supervisor> =>
  Supervisor.start({
    dataDir,
    config: {
      cells: { size: resident, maxResident: resident, spares: 0 },
      providers: { openai: { baseUrl: url, prices: 'free', concurrency: agents } },
    },
    env: { OPENAI_API_KEY: 'any' },
  })

/** A thousand agents without code, a turn of each waiting for a model that is slow. */
export async function waitingTurns(): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const model = await startFakeModel()
  try {
    const s = await start(dataDir, model)
    for (const name of names) await s.spawn({ name, model: 'openai:gpt-5-mini', budget: 'unlimited', maxTurn: '10m' })
    await s.stop()
    const all: Figures[] = []
    for (let k = 0; k < rounds; k += 1) all.push(await round(dataDir, model))
    const of = (key: keyof Figures): number[] => all.map((figures) => figures[key])
    return [
      row(`${agents} turns that wait for a model: memory over the idle fleet`, 'MB', of('mb'), undefined, '< 200'),
      row('loop lag of core while they come, wait and are answered, p99', 'ms', of('lagMs'), undefined, '< 20'),
    ]
  } finally {
    await model.end()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
