import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A real supervisor as a child process, with its REST face. */
export interface Daemon {
  readonly url: string
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** One REST call under /api/v1; rejects when nobody answers. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Starts the program without waiting for anything. */
export function launch(
  app: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `${root}/tools/start/main.ts`, app, ...args],
    {
      cwd: options.cwd ?? root,
      env: { ...process.env, INIT_CWD: options.cwd ?? root, NODE_OPTIONS: '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  return { child, exited, output: () => text }
}

/** Starts a supervisor on a data directory and waits for its ready line; `listening`: only until it answers calls. */
export async function startDaemon(
  dataDirectory: string,
  args: readonly string[],
  env: Record<string, string> = {},
  { waitFor = 'ready', patienceMs }: { waitFor?: 'ready' | 'listening'; patienceMs?: number } = {},
): Promise<Daemon> {
  const { child, exited, output } = launch('supervisor', [...args, '--data', dataDirectory, '--port', '0'], { env })
  let over = false
  void exited.then(() => {
    over = true
  })
  const found = (): string | undefined => {
    if (over) throw new Error(`the supervisor ended before it was ready:\n${output()}`)
    if (waitFor === 'ready') return /^vigil ready (http:\S+)/m.exec(output())?.[1]
    return listeningAt(dataDirectory, child.pid)
  }
  const url = await until(`the supervisor to be ${waitFor}`, found, patienceMs).catch(async (error: Error) => {
    child.kill('SIGKILL')
    await exited
    throw new Error(`${error.message}; it had said:\n${output().slice(-4_000)}`)
  })
  const token = readFileSync(`${dataDirectory}/token`, 'utf8').trim()
  return {
    url,
    child,
    output,
    exited,
    async call(method, path, body, headers = {}) {
      const reply = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      })
      return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
    },
  }
}

/** What the file of the last life says is not about this one. */
function listeningAt(dataDirectory: string, pid: number | undefined): string | undefined {
  const file = `${dataDirectory}/endpoint.json`
  const endpoint = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { url: string; pid: number })
    : undefined
  return endpoint?.pid === pid ? endpoint?.url : undefined
}
