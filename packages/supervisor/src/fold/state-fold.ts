import { limits, type WriteSet } from '@vigil/protocol'
import type { ProcessFold, StateChange } from './process-fold.ts'

interface Commit {
  readonly at: string
  /** A turn, or who patched. */
  readonly source: string
  /** Of the turn: what it read under keys that others have committed since. */
  readonly before?: ReadonlyMap<string, unknown> | undefined
}

/**
 * Commits a write set to the state of a process. Every turn that is still open keeps what it read: the value before goes
 * to those that have not seen the key change yet.
 */
export function commitWrites(process: ProcessFold, writes: WriteSet, { at, source, before }: Commit): void {
  const overwritten = before === undefined ? [] : overwrittenKeys(before, writes)
  for (const [key, value] of appliedWrites(process.state, writes)) {
    for (const turn of process.turns.values()) if (!turn.before.has(key)) turn.before.set(key, process.state.get(key))
    const history = process.stateHistory.get(key) ?? []
    const change: StateChange = {
      at,
      value: value ?? null,
      source,
      ...(overwritten.includes(key) ? { overwrote: writerOf(process, key) } : {}),
    }
    process.stateHistory.set(key, [...history, change].slice(-limits.stateHistory))
    setState(process, key, value)
  }
}

/** Without a history: what a first deploy brings. */
export function setState(process: ProcessFold, key: string, value: unknown): void {
  process.stateBytes += entryBytes(key, value) - entryBytes(key, process.state.get(key))
  if (value === undefined) process.state.delete(key)
  else process.state.set(key, value)
}

/** What each written key will hold, undefined for nothing: `add` and `append` go on top of what stands there now. */
export function appliedWrites(state: ReadonlyMap<string, unknown>, writes: WriteSet): Map<string, unknown> {
  const next = new Map<string, unknown>()
  for (const key of writes.delete ?? []) next.set(key, undefined)
  for (const [key, value] of Object.entries(writes.set ?? {})) next.set(key, value)
  for (const [key, amount] of Object.entries(writes.add ?? {})) {
    const now = state.get(key)
    next.set(key, (typeof now === 'number' ? now : 0) + amount)
  }
  for (const [key, items] of Object.entries(writes.append ?? {})) {
    const now = state.get(key)
    next.set(key, [...(Array.isArray(now) ? now : []), ...items])
  }
  return next
}

/** Keys that a turn replaces without having read what others committed there since it began. */
export function overwrittenKeys(before: ReadonlyMap<string, unknown>, writes: WriteSet): string[] {
  if (before.size === 0) return []
  const computed = new Set(writes.updated)
  const replaced = [...(writes.delete ?? []), ...Object.keys(writes.set ?? {})]
  return replaced.filter((key) => before.has(key) && !computed.has(key))
}

/** Who committed what stands under a key. */
export const writerOf = ({ stateHistory }: ProcessFold, key: string): string =>
  stateHistory.get(key)?.at(-1)?.source ?? 'deploy'

/** What a key and its value add to the size of the state. */
export const entryBytes = (key: string, value: unknown): number =>
  value === undefined ? 0 : Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value))

/** The keys that a write set touches. */
export function writtenKeys(writes: WriteSet): string[] {
  return [
    ...(writes.delete ?? []),
    ...Object.keys(writes.set ?? {}),
    ...Object.keys(writes.add ?? {}),
    ...Object.keys(writes.append ?? {}),
  ]
}
