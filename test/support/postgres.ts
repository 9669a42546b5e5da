import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../fixtures/postgres/server.ts', import.meta.url))

/** A PostgreSQL server of its own, empty, that ends with whoever started it. */
export interface PostgresServer {
  readonly port: number
  /** Of its database, by itself or through another port that leads to it. */
  url(port?: number): string
  /** Stops it in order, and starts it on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** `sync`: makes every commit wait for the disk, as it is in earnest. */
export async function startPostgres({ sync = false }: { readonly sync?: boolean } = {}): Promise<PostgresServer> {
  const child = spawn(process.execPath, ['--no-warnings', program, sync ? 'on' : 'off'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const closed = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const ready = async (): Promise<number> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('PostgreSQL did not start')
    return Number(String(value).replace('ready ', ''))
  }
  const port = await ready()
  // It serves every test of a file, and is no leak of one of them.
  child.unref()
  for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as Socket).unref()
  return {
    port,
    url: (through = port) => `postgres://postgres:password@127.0.0.1:${through}/postgres`,
    async restart() {
      child.stdin.write('restart\n')
      await ready()
    },
    async stop() {
      child.ref()
      child.stdin.end()
      await closed
    },
  }
}
