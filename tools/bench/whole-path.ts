import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpClient } from '@vigil/protocol'
import { type AgentHandle, Supervisor } from '@vigil/supervisor'
import { systemClock } from '@vigil/supervisor/internal'
import { nullStore } from './null-store.ts'
import { type Row, row } from './statistics.ts'

const rounds = 3
const totalCalls = 6_400
/** With 64 agents each makes a hundred calls a round, and cold code costs twice as much. */
const warmUps = 5

const instantHttp: HttpClient = {
  send: () => Promise.resolve({ status: 200, statusText: 'OK', headers: {}, body: new Uint8Array() }),
  close: () => Promise.resolve(),
}

/** A fleet of real cells, each with one call open; answers effects per second of one round. */
async function fleet(agents: number, journaled: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const clock = systemClock()
  const s = await Supervisor.start({
    dataDir: folder,
    ports: { clock, http: instantHttp, ...(journaled ? {} : { journal: nullStore(clock) }) },
  })
  const entrypoint = new URL('./agents/caller.ts', import.meta.url)
  const handles: AgentHandle[] = []
  for (let k = 0; k < agents; k += 1)
    handles.push(await s.spawn({ name: `caller-${k}`, entrypoint, network: { allow: ['bench.invalid'] } }))
  const calls = Math.ceil(totalCalls / agents)
  return {
    async round(): Promise<number> {
      const began = performance.now()
      await Promise.all(handles.map((handle) => handle.enqueue({ calls })))
      await Promise.all(handles.map((handle) => ended(handle)))
      return (calls * agents) / ((performance.now() - began) / 1_000)
    },
    async close(): Promise<void> {
      await s.stop()
      clock.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Without a journal nobody is told of records: the counters are the truth that both ways share. */
async function ended(handle: { status(): { mailbox: { waiting: number; open: number } } }): Promise<void> {
  for (;;) {
    const { mailbox } = handle.status()
    if (mailbox.waiting + mailbox.open === 0) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Durable effects per second from agent code through hub, wire, gate and journal, beside the same without a journal. */
export async function wholePath(): Promise<Row[]> {
  const rows: Row[] = []
  for (const agents of [1, 8, 64]) {
    const journaled = await fleet(agents, true)
    const bare = await fleet(agents, false)
    const values: number[] = []
    const without: number[] = []
    for (let round = 0; round < warmUps; round += 1) {
      await journaled.round()
      await bare.round()
    }
    for (let round = 0; round < rounds; round += 1) {
      values.push(await journaled.round())
      without.push(await bare.round())
    }
    await journaled.close()
    await bare.close()
    rows.push(
      row(
        `whole path, act, ${agents} agent(s), one call open each`,
        '/s',
        values,
        { name: 'without a journal', values: without },
        agents === 64 ? '>= 0.40' : undefined,
      ),
    )
  }
  return rows
}
