import {
  limits,
  type ProcessName,
  type RecordDraft,
  type RecordedError,
  type StateDiff,
  type ThrownError,
  type WriteSet,
} from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { appliedWrites, entryBytes, overwrittenKeys, writerOf, writtenKeys } from '../fold/state-fold.ts'

/** What has to be right before the writes of a turn go on record. Pure. */

/** Values by key, with undefined for nothing, as they cross to a guest. */
export function stateDiff(values: Iterable<readonly [string, unknown]>): StateDiff {
  const set: Record<string, unknown> = {}
  const gone: string[] = []
  for (const [key, value] of values) {
    if (value === undefined) gone.push(key)
    else set[key] = value
  }
  return { set, delete: gone }
}

/**
 * What stands now under keys that the turn computed from something else; empty when its updates may be committed. `seen`:
 * what it was told after its snapshot.
 */
export function staleUpdates(
  state: ReadonlyMap<string, unknown>,
  { before }: TurnFold,
  { writes, seen }: { readonly writes: WriteSet; readonly seen: ReadonlyMap<string, unknown> },
): Map<string, unknown> {
  // Values of a fold are never changed in place: the same object is the same value.
  const isStale = (key: string): boolean =>
    before.has(key) && (seen.has(key) ? seen : before).get(key) !== state.get(key)
  return new Map((writes.updated ?? []).filter(isStale).map((key) => [key, state.get(key)]))
}

/** Keys that a turn that ends has updated and others have committed since, with what stands there now; undefined if there are none. */
export function staleKeys(
  { turns, state }: Pick<ProcessFold, 'turns' | 'state'>,
  { turn: id, writes }: { readonly turn: string; readonly writes: WriteSet },
  { seen }: { readonly seen: ReadonlyMap<string, unknown> },
): Map<string, unknown> | undefined {
  const turn = turns.get(id)
  const stale = turn === undefined ? undefined : staleUpdates(state, turn, { writes, seen })
  return stale === undefined || stale.size === 0 ? undefined : stale
}

/** The attempt ends: somebody was quicker each time. */
export const stateConflict = (keys: Iterable<string>, rounds: number): ThrownError => ({
  code: 'STATE_CONFLICT',
  message: `others changed ${[...keys].join(', ')} each of the ${rounds} times that the turn computed its update`,
})

/** What a turn replaces unread goes on record, for people: the last commit wins. */
export function overwrittenRecords(process: ProcessFold, turn: TurnFold, writes: WriteSet): RecordDraft[] {
  return overwrittenKeys(turn.before, writes).map((key) => ({
    process: process.name as ProcessName,
    epoch: process.epoch,
    type: 'state.overwritten',
    turn: turn.turn,
    data: { key, overwritten: writerOf(process, key), by: turn.turn },
  }))
}

/** Why the writes may not be committed: by an agent, or (`writable` empty) by anybody. */
export function writeRefusal(
  process: ProcessFold,
  writes: WriteSet,
  writable: readonly string[],
): RecordedError | undefined {
  const denied = writable.length === 0 ? undefined : writtenKeys(writes).find((key) => !writable.includes(key))
  if (denied !== undefined)
    return {
      code: 'STATE_DENIED',
      message: `the state key "${denied}" may not be written; add to the manifest: context: { writable_keys: [${denied}] }`,
    }
  const said = JSON.stringify(writes.conversation ?? null).length
  if (said > limits.resultBytes) return tooLarge('what the turn adds to the conversation', said, limits.resultBytes)
  let total = process.stateBytes
  for (const [key, value] of appliedWrites(process.state, writes)) {
    const bytes = entryBytes(key, value) - Buffer.byteLength(key)
    if (bytes > limits.stateValueBytes) return tooLarge(`the state value "${key}"`, bytes, limits.stateValueBytes)
    total += entryBytes(key, value) - entryBytes(key, process.state.get(key))
  }
  const grows = total > process.stateBytes
  return total > limits.stateBytes && grows ? tooLarge('the whole state', total, limits.stateBytes) : undefined
}

const tooLarge = (what: string, bytes: number, most: number): RecordedError => ({
  code: 'TOO_LARGE',
  message: `${what} would have ${bytes} bytes, at most ${most} are kept`,
})
