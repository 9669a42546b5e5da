import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What an agent says of itself with each effect. */
export interface LedgerEntry {
  readonly key: string | undefined
  readonly body: { readonly agent: string; readonly event: string }
}

export interface EffectsLedger {
  readonly host: string
  entries(): Promise<LedgerEntry[]>
  close(): Promise<void>
}

export async function startEffectsLedger(): Promise<EffectsLedger> {
  const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), { execArgv: [] })
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [number]
  const host = `127.0.0.1:${port}`
  return {
    host,
    entries: async () => (await (await fetch(`http://${host}/`)).json()) as LedgerEntry[],
    async close() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

/** What is wrong with a ledger: each event left its effect, always under the same key. */
export function ledgerViolations(entries: readonly LedgerEntry[], events: readonly string[]): string[] {
  const broken: string[] = []
  for (const event of events) {
    const keys = new Set(entries.filter(({ body }) => body.event === event).map(({ key }) => key))
    if (keys.size !== 1 || keys.has(undefined)) broken.push(`${event} left its effect under ${keys.size} keys`)
  }
  return broken
}
