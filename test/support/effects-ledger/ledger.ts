import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { JournalRecord } from '@vigil/protocol'

/** What was done outside, and for which event, as the agent itself says it with each request. */
export interface Effect {
  readonly agent: string
  readonly event: string
}

/** A request as it arrived; one that is repeated stands here as often. */
export interface LedgerEntry {
  readonly key: string | undefined
  readonly body: Effect
}

export interface EffectsLedger {
  readonly host: string
  /** In order of arrival. */
  entries(): Promise<readonly LedgerEntry[]>
  close(): Promise<void>
}

/** Starts the outside as a process of its own, on a free port of this machine; it ends with us. */
export async function startEffectsLedger(): Promise<EffectsLedger> {
  const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), { execArgv: [] })
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [number]
  const host = `127.0.0.1:${port}`
  const seen: LedgerEntry[] = []
  let looking: Promise<unknown> = Promise.resolve()
  // One look after the other, so that none is counted twice; only what is new crosses over.
  const look = async (): Promise<void> => {
    seen.push(...((await (await fetch(`http://${host}/${seen.length}`)).json()) as LedgerEntry[]))
  }
  return {
    host,
    async entries() {
      looking = looking.then(look)
      await looking
      return seen
    },
    async close() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

/**
 * What is wrong between a ledger that tells requests apart by their key and the log of those who sent them: each effect
 * was done, under one key and so once; nothing was done that nobody asked for, and nothing without an intent on record.
 */
export function ledgerViolations(
  entries: readonly LedgerEntry[],
  expected: readonly Effect[],
  log: readonly JournalRecord[],
): string[] {
  const nameOf = ({ agent, event }: Effect): string => `${agent}'s effect of ${event}`
  const keys = new Map<string, Set<string | undefined>>()
  for (const { key, body } of entries) keys.getOrInsertComputed(nameOf(body), () => new Set()).add(key)
  const broken: string[] = []
  for (const name of expected.map(nameOf)) {
    const count = keys.get(name)?.size ?? 0
    if (count === 0) broken.push(`${name} was not done`)
    if (count > 1) broken.push(`${name} was done under ${count} keys`)
  }
  const asked = new Set(expected.map(nameOf))
  const intended = new Set(
    log.flatMap((record) => (record.type === 'effect.intended' ? [record.data.idempotency_key] : [])),
  )
  for (const [name, under] of keys) {
    if (!asked.has(name)) broken.push(`${name} was done and nobody asked for it`)
    for (const key of under) if (key === undefined || !intended.has(key)) broken.push(`${name} has no intent on record`)
  }
  return broken
}
