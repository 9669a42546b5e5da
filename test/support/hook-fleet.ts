import { type Listener, serveHooks } from '@vigil/api'
import type { JournalRecord } from '@vigil/protocol'
import { type StartOptions, Supervisor, type TriggerSpec } from '@vigil/supervisor'

/** One agent with hooks on a real listener. It is suspended, so that what it takes waits; `resume` it to see turns. */
export interface HookFleet extends AsyncDisposable {
  readonly supervisor: Supervisor
  readonly records: readonly JournalRecord[]
  /** What is logged, as text. */
  readonly lines: readonly string[]
  readonly url: string
  post(path: string, sent?: Sent): Promise<Answer>
}

export interface Sent {
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>> & {
    readonly error?: { readonly code: string; readonly message: string }
  }
}

export async function hookFleet(
  agents: Readonly<Record<string, readonly TriggerSpec[]>>,
  options: StartOptions = {},
): Promise<HookFleet> {
  const records: JournalRecord[] = []
  const lines: string[] = []
  const where = options.dataDir === undefined ? { journal: 'memory' as const } : {}
  const supervisor = await Supervisor.start({
    ...where,
    logger: (line) => lines.push(JSON.stringify(line)),
    ...options,
  })
  supervisor.on('record', (record) => records.push(record))
  const entrypoint = new URL('../fixtures/echo/echo.ts', import.meta.url)
  for (const [name, triggers] of Object.entries(agents)) {
    await supervisor.spawn({ name, entrypoint, triggers })
    await supervisor.get(name).suspend()
  }
  const listener: Listener = await serveHooks(supervisor, { port: 0, token: 'right' })
  return {
    supervisor,
    records,
    lines,
    url: listener.url,
    post: (path, sent) => post(listener.url, path, sent),
    async [Symbol.asyncDispose]() {
      await listener.close()
      await supervisor.stop()
    },
  }
}

export async function post(url: string, path: string, { body = '', headers = {} }: Sent = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(20_000)
  const reply = await fetch(`${url}/hooks${path}`, { method: 'POST', body, headers: { ...headers }, signal })
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Answer['body'] }
}
