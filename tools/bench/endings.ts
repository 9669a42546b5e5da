import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentHandle, Supervisor } from '@vigil/supervisor'
import { type Row, row } from './statistics.ts'

const rounds = 5
const entrypoint = new URL('./agents/actor.ts', import.meta.url)
const tiers = ['process', 'thread'] as const
type Tier = (typeof tiers)[number]

/** From now until its process is gone, milliseconds. */
async function untilGone(agent: AgentHandle, harm: () => unknown): Promise<number> {
  const { pid } = agent.status()
  const began = performance.now()
  harm()
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 1))
  return performance.now() - began
}

async function ending(isolation: Tier, act: 'hog' | 'block'): Promise<{ ms: number; boundMs: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  try {
    await using s = await Supervisor.start({ dataDir })
    const agent = await s.spawn({ name: 'agent', entrypoint, isolation, memoryMb: 128, shutdownTimeout: '200ms' })
    await agent.run()
    const order = agent.enqueue({ act }).catch(() => undefined)
    if (act === 'hog') return { ms: await untilGone(agent, () => order), boundMs: 500 }
    while (agent.status().mailbox.open === 0) await new Promise(setImmediate)
    return { ms: await untilGone(agent, () => void agent.stop()), boundMs: agent.status().stopBoundMs }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** What it costs to take the memory alone. */
function bareFill(): number {
  const began = performance.now()
  Buffer.alloc(1_000_000_000, 1)
  return performance.now() - began
}

/** How soon a guest is gone that takes far too much at once, and one that hears nothing. */
export async function endings(): Promise<Row[]> {
  const rows: Row[] = []
  const fill = { name: 'to fill 1 GB in bare node', values: Array.from({ length: rounds }, bareFill) }
  for (const tier of tiers) {
    const gone = { hog: [] as number[], block: [] as number[], bound: [] as number[] }
    for (let round = 0; round < rounds; round += 1) {
      gone.hog.push((await ending(tier, 'hog')).ms)
      const { ms, boundMs } = await ending(tier, 'block')
      gone.block.push(ms)
      gone.bound.push(boundMs)
    }
    const bound = { name: 'shown bound', values: gone.bound }
    rows.push(
      row(`1 GB Buffer under memory_mb 128 -> gone, ${tier}`, 'ms', gone.hog, fill, '<= 500 ms'),
      row(`stop of a blocked native call -> gone, ${tier}`, 'ms', gone.block, bound, '<= its bound'),
    )
  }
  return rows
}
