import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type AgentHandle, Supervisor } from '@vigil/supervisor'
import { median, type Row, row } from './statistics.ts'

const rounds = 5
const fetchesPerRound = 200
const agents = 8
const slowFetches = 1_000
/** An origin gets 64 connections: so many are needed for all of them to be under way. */
const origins = 16
const resolutionMs = 1

async function startOrigins() {
  const program = fileURLToPath(new URL('./programs/http-origin.ts', import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', program, `${origins}`]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(20_000) })
  return {
    hosts: (line as string).split(' ').map((port) => `127.0.0.1:${port}`),
    async end() {
      child.stdin.end()
      await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })
    },
  }
}

async function bare(urls: readonly string[]): Promise<number[]> {
  const times: number[] = []
  for (const url of urls) {
    const began = performance.now()
    await (await fetch(url)).text()
    times.push(performance.now() - began)
  }
  return times
}

/** The longest that core was late in 99 of 100 looks, while all fetches are under way. */
async function lagOf(handles: readonly AgentHandle[], hosts: readonly string[]): Promise<number> {
  const urls = Array.from({ length: slowFetches / agents }, (_, k) => `http://${hosts[k % hosts.length]}/slow`)
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  await Promise.all(handles.map((handle) => handle.run({ urls, together: true })))
  delay.disable()
  return delay.percentile(99) / 1e6 - resolutionMs
}

/** `ctx.fetch` from a cell through gate, journal and gateway, beside a bare fetch of the same page; and what a crowd of slow ones does to core. */
export async function gateway(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const served = await startOrigins()
  const s = await Supervisor.start({ dataDir: folder, env: { BENCH_KEY: 'k'.repeat(40) } })
  const entrypoint = new URL('./agents/fetcher.ts', import.meta.url)
  const network = { allow: served.hosts }
  const handles: AgentHandle[] = []
  for (let k = 0; k < agents; k += 1) handles.push(await s.spawn({ name: `fetcher-${k}`, entrypoint, network }))
  const [first] = handles as [AgentHandle]
  const secrets = { api: '$' + '{BENCH_KEY}' }
  const keyed = await s.spawn({ name: 'keyed', entrypoint, network, secrets })
  const urls = Array.from({ length: fetchesPerRound }, (_, k) => `http://${served.hosts[0]}/${k}`)
  const brokered: number[] = []
  const withSecret: number[] = []
  const direct: number[] = []
  const lags: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const timesOf = async (agent: AgentHandle, secret?: string): Promise<number> =>
      median((await agent.run({ urls, together: false, secret })) as number[])
    const times = [await timesOf(first), median(await bare(urls)), await timesOf(keyed, 'api')] as const
    const lag = await lagOf(handles, served.hosts)
    // The first round is warmth.
    if (round === 0) continue
    brokered.push(times[0])
    direct.push(times[1])
    withSecret.push(times[2])
    lags.push(lag)
  }
  await s.stop()
  await served.end()
  rmSync(folder, { recursive: true, force: true })
  const added = (values: readonly number[]): number[] => values.map((value, round) => value - (direct[round] ?? 0))
  return [
    row('brokered fetch of a local page, p50', 'ms', brokered, { name: 'bare fetch', values: direct }),
    row('what the brokered one adds', 'ms', added(brokered), undefined, '<= 2'),
    row('what one adds that sends a secret', 'ms', added(withSecret), undefined, '<= 2'),
    row(`loop lag of core under ${slowFetches} slow fetches, p99`, 'ms', lags, undefined, '< 10'),
  ]
}
