import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { type AgentHandle, Supervisor } from '@vigil/supervisor'
import { type Row, row } from './statistics.ts'

const rounds = 3
const pings = 1_000
const items = 50_000

/** The figure of `first`, once `second` is at its other end. */
type Ends = (first: 'ask' | 'read', second: 'answer' | 'send', count: number) => Promise<number>

async function agents(isolation: 'process' | 'thread'): Promise<{ readonly ends: Ends; close(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const s = await Supervisor.start({ dataDir })
  const entrypoint = new URL('./agents/channel-end.ts', import.meta.url)
  const [a, b] = [
    await s.spawn({ name: 'a', entrypoint, isolation }),
    await s.spawn({ name: 'b', entrypoint, isolation }),
  ]
  return {
    async ends(first, second, count) {
      // Whoever only listens has to be there before the other begins to speak.
      const [listener, speaker] = first === 'ask' ? [b, a] : [a, b]
      const listening = await opened(listener, () => listener.run({ role: first === 'ask' ? second : first, count }))
      const spoken = speaker.run({ role: first === 'ask' ? first : second, count })
      const [heard, said] = await Promise.all([listening.turn, spoken])
      return Number(first === 'ask' ? said : heard)
    },
    async close() {
      await s.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Begins a turn, and comes back when its channels are open. */
async function opened(agent: AgentHandle, begin: () => Promise<unknown>): Promise<{ readonly turn: Promise<unknown> }> {
  const before = await opens(agent)
  const turn = begin()
  while ((await opens(agent)) === before) await new Promise((resolve) => setTimeout(resolve, 20))
  await new Promise((resolve) => setTimeout(resolve, 50))
  return { turn }
}

const opens = async (agent: AgentHandle): Promise<number | undefined> =>
  (await agent.journal({ type: 'effect.completed', limit: 1 })).records[0]?.n

const bare: Ends = async (first, second, count) => {
  const { port1, port2 } = new MessageChannel()
  const begin = (role: string, port: typeof port1): Promise<number> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./programs/message-port.ts', import.meta.url), {
        workerData: { port, role, count },
        transferList: [port],
      })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  const [figure] = await Promise.all([begin(first, port1), begin(second, port2)])
  return figure
}

/** Channels through ring 0, between two cells and inside one, beside a bare MessagePort between two threads. */
export async function channels(): Promise<Row[]> {
  const rows: Row[] = []
  const pair = { apart: await agents('process'), together: await agents('thread') }
  for (const [first, second, count, unit, what] of [
    ['ask', 'answer', pings, 'us', 'there and back, p50'],
    ['read', 'send', items, '/s', 'items'],
  ] as const) {
    const apart: number[] = []
    const together: number[] = []
    const port: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      apart.push(await pair.apart.ends(first, second, count))
      together.push(await pair.together.ends(first, second, count))
      port.push(await bare(first, second, count))
    }
    const beside = { name: 'bare MessagePort', values: port }
    rows.push(row(`channel between two cells, ${what}`, unit, apart, beside))
    rows.push(row(`channel inside one cell, ${what}`, unit, together, beside))
  }
  await pair.apart.close()
  await pair.together.close()
  return rows
}
