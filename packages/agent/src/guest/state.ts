import type { CoreMessage, WriteSet } from '@vigil/protocol'
import type { AgentState } from '../context.ts'
import { codedError } from './coded-error.ts'
import { jsonCopy } from './json.ts'

type Snapshot = Extract<CoreMessage, { t: 'turn' }>['state']

const valueBytes = 256_000

/** Committed state of the process, kept between the turns of one life; core sends what changed. */
export interface CommittedState {
  apply(snapshot: Snapshot): ReadonlyMap<string, unknown>
}

export function committedState(): CommittedState {
  let values = new Map<string, unknown>()
  return {
    apply({ full, set, delete: gone }) {
      // A new Map each time: a turn that still runs keeps the snapshot that it began with.
      values = full ? new Map() : new Map(values)
      for (const key of gone) values.delete(key)
      for (const [key, value] of Object.entries(set)) values.set(key, value)
      return values
    },
  }
}

export interface TurnState {
  readonly state: Omit<AgentState, 'history'>
  writes(): WriteSet
}

/** The view of one turn: the snapshot with its own writes over it. Values are cloned both ways, so nothing leaks by reference. */
export function turnState(snapshot: ReadonlyMap<string, unknown>): TurnState {
  const own = new Map<string, unknown>()
  const replaced = new Map<string, unknown>()
  const deleted = new Set<string>()
  const added = new Map<string, number>()
  const appended = new Map<string, unknown[]>()

  const read = (key: string): unknown => (own.has(key) ? own.get(key) : snapshot.get(key))
  const replace = (key: string, value: unknown): void => {
    own.set(key, value)
    added.delete(key)
    appended.delete(key)
    if (value === undefined) {
      replaced.delete(key)
      deleted.add(key)
    } else {
      deleted.delete(key)
      replaced.set(key, value)
    }
  }

  const state: TurnState['state'] = {
    get<T>(key: string, fallback?: T): T | undefined {
      const value = read(key)
      return value === undefined ? fallback : (structuredClone(value) as T)
    },
    set(key, value) {
      replace(key, value === undefined ? undefined : asJson(key, value))
    },
    delete: (key) => replace(key, undefined),
    update(key, change) {
      const before = read(key)
      state.set(key, change(before === undefined ? undefined : (structuredClone(before) as never)))
    },
    add(key, amount) {
      if (!Number.isFinite(amount)) {
        throw codedError({
          code: 'INVALID_ARGUMENT',
          message: `state.add("${key}") expects a finite number, found ${amount}`,
        })
      }
      const before = read(key)
      const sum = (typeof before === 'number' ? before : 0) + amount
      if (replaced.has(key) || deleted.has(key)) return replace(key, sum)
      own.set(key, sum)
      added.set(key, (added.get(key) ?? 0) + amount)
    },
    append(key, ...items) {
      const clean = items.map((item) => asJson(key, item))
      const before = read(key)
      const list = sized(key, [...(Array.isArray(before) ? before : []), ...clean])
      if (replaced.has(key) || deleted.has(key)) return replace(key, list)
      own.set(key, list)
      appended.set(key, [...(appended.get(key) ?? []), ...clean])
    },
    keys: () => [...new Set([...snapshot.keys(), ...own.keys()])].filter((key) => read(key) !== undefined),
  }

  return {
    state,
    writes: () => ({
      ...(replaced.size === 0 ? {} : { set: Object.fromEntries(replaced) }),
      ...(deleted.size === 0 ? {} : { delete: [...deleted] }),
      ...(added.size === 0 ? {} : { add: Object.fromEntries(added) }),
      ...(appended.size === 0 ? {} : { append: Object.fromEntries(appended) }),
    }),
  }
}

function asJson(key: string, value: unknown): unknown {
  if (value === undefined)
    throw codedError({ code: 'INVALID_ARGUMENT', message: `the state value "${key}" is no JSON: found undefined` })
  return sized(key, jsonCopy(value, `the state value "${key}"`))
}

function sized(key: string, value: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > valueBytes) {
    const message = `the state value "${key}" has ${bytes} bytes, at most ${valueBytes} are kept`
    throw codedError({ code: 'TOO_LARGE', message, help: 'Keep it in a file, or under several keys.' })
  }
  return value
}
