import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Row, row } from './statistics.ts'

const rounds = 5
const connections = 64
const warmMs = 4_000
const roundMs = 1_500
const secret = 'the secret of the bench'
const kinds = ['journal', 'null', 'verified', 'bare'] as const
const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))
const quiet = '--disable-warning=ExperimentalWarning'

interface Server {
  /** Ready for another round; resolves with the port. */
  renewed(): Promise<string>
  end(): Promise<void>
}

/** Each in a process of its own: two kinds of store in one would cost both the inlining that each has alone. */
function startServer(kind: string, folder: string): Server {
  const args = [quiet, program('ingest-server'), kind, secret, join(folder, kind)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const soon = () => ({ signal: AbortSignal.timeout(20_000) })
  return {
    async renewed() {
      child.stdin.write('\n')
      const [port] = await once(lines, 'line', soon())
      return port
    },
    async end() {
      child.stdin.end()
      await once(child, 'exit', soon())
    },
  }
}

/** Requests that were answered 202, per second. */
async function perSecond(port: string, run: string, ms: number): Promise<number> {
  const args = [quiet, program('ingest-sender'), port, secret, `${connections}`, `${ms}`, run]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return Number(stdout) / (ms / 1_000)
}

/**
 * Webhooks with a signature and a key of their own, as many as are answered 202. With a journal such an answer says that the event is
 * on the disk. Beside it the same server without one: it checks, decides, knows duplicates and fills the mailbox; and, to see what all
 * that costs, the same listener that remembers nothing.
 */
export async function ingest(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const servers = kinds.map((kind) => startServer(kind, folder))
  const figures = kinds.map((): number[] => [])
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, server] of servers.entries()) {
      const value = await perSecond(await server.renewed(), `${round}`, round < 0 ? warmMs : roundMs)
      if (round >= 0) figures[at]?.push(value)
    }
  }
  for (const server of servers) await server.end()
  rmSync(folder, { recursive: true, force: true })
  const name = 'signed webhooks over HTTP, 64 connections'
  const [values = [], without = [], verified = [], bare = []] = figures
  return [
    row(name, '/s', values, { name: 'the same without a journal', values: without }, '>= 0.60'),
    row(name, '/s', values, { name: 'signature and body checked, nothing remembered', values: verified }),
    row(name, '/s', values, { name: 'body read, nothing checked', values: bare }),
  ]
}
