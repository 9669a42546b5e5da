import { limits, type WriteSet } from '@vigil/protocol'
import type { ProcessFold } from './process-fold.ts'

/**
 * Commits a write set to the state of a process: values are replaced, last commit wins per key; `add` and `append`
 * are applied to what stands there now, so concurrent turns do not undo each other.
 */
export function commitWrites(process: ProcessFold, writes: WriteSet, at: string, source: string): void {
  const change = (key: string, value: unknown): void => {
    if (value === undefined) process.state.delete(key)
    else process.state.set(key, value)
    const history = process.stateHistory.get(key) ?? []
    process.stateHistory.set(key, [...history, { at, value: value ?? null, source }].slice(-limits.stateHistory))
  }
  for (const key of writes.delete ?? []) change(key, undefined)
  for (const [key, value] of Object.entries(writes.set ?? {})) change(key, value)
  for (const [key, amount] of Object.entries(writes.add ?? {})) {
    const before = process.state.get(key)
    change(key, (typeof before === 'number' ? before : 0) + amount)
  }
  for (const [key, items] of Object.entries(writes.append ?? {})) {
    const before = process.state.get(key)
    change(key, [...(Array.isArray(before) ? before : []), ...items])
  }
}

/** The keys that a write set touches. */
export function writtenKeys(writes: WriteSet): string[] {
  return [
    ...(writes.delete ?? []),
    ...Object.keys(writes.set ?? {}),
    ...Object.keys(writes.add ?? {}),
    ...Object.keys(writes.append ?? {}),
  ]
}
