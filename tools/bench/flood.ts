import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type AgentHandle, Supervisor } from '@vigil/supervisor'
import { type Row, row } from './statistics.ts'

const rounds = 3
const floodMs = 4_000
const resolutionMs = 1
const entrypoint = new URL('./agents/flood.ts', import.meta.url)

/** How late core's timers are at p99 while so many agents talk without end, milliseconds. */
async function lateness(agents: number): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  try {
    await using s = await Supervisor.start({ dataDir, config: { cells: { size: 16, spares: 1 } } })
    const handles = []
    for (let k = 0; k < agents; k += 1)
      handles.push(await s.spawn({ name: `flood-${k}`, entrypoint, isolation: agents > 1 ? 'thread' : 'process' }))
    await Promise.all(handles.map((handle) => handle.run({ ms: 200 })))
    const loop = monitorEventLoopDelay({ resolution: resolutionMs })
    loop.enable()
    const end = performance.now() + floodMs
    await Promise.all(handles.map((handle) => floodUntil(handle, end)))
    loop.disable()
    return loop.percentile(99) / 1e6 - resolutionMs
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Turn after turn. */
async function floodUntil(agent: AgentHandle, end: number): Promise<void> {
  for (let ms = floodMs; ms > 0; ms = end - performance.now()) await agent.run({ ms })
}

/** What a flood does to core: its timers are what heartbeats, deadlines and every other agent wait for. */
export async function flood(): Promise<Row[]> {
  const figures: Record<number, number[]> = { 0: [], 1: [], 64: [] }
  for (let round = 0; round < rounds; round += 1) {
    const idle = monitorEventLoopDelay({ resolution: resolutionMs })
    idle.enable()
    await new Promise((resolve) => setTimeout(resolve, floodMs))
    idle.disable()
    figures[0]?.push(idle.percentile(99) / 1e6 - resolutionMs)
    for (const agents of [1, 64]) figures[agents]?.push(await lateness(agents))
  }
  const beside = { name: 'idle loop', values: figures[0] ?? [] }
  return [
    row('lateness of core timers, flood of one agent, p99', 'ms', figures[1] ?? [], beside, '< 5 ms'),
    row('lateness of core timers, flood of 64 agents, p99', 'ms', figures[64] ?? [], beside, '< 10 ms'),
  ]
}
