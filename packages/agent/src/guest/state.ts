import type { CoreMessage, StateDiff, WriteSet } from '@vigil/protocol'
import type { AgentState } from '../context.ts'
import { codedError } from './coded-error.ts'
import { jsonCopy } from './json.ts'

type TurnMessage = Extract<CoreMessage, { t: 'turn' }>

const valueBytes = 256_000

/** Committed state of the process, kept between the turns of one life; core sends what changed. */
export interface CommittedState {
  /** The snapshot of a turn: what is committed, but for what was committed since it read it for the first time. */
  apply(message: Pick<TurnMessage, 'state' | 'as_of'>): ReadonlyMap<string, unknown>
}

export function committedState(): CommittedState {
  let values = new Map<string, unknown>()
  return {
    apply({ state, as_of }) {
      // A new Map each time: a turn that still runs keeps the snapshot that it began with.
      values = patched(state.full ? new Map() : values, state)
      return as_of === undefined ? values : patched(values, as_of)
    },
  }
}

function patched(values: ReadonlyMap<string, unknown>, { set, delete: gone }: StateDiff): Map<string, unknown> {
  const next = new Map(values)
  for (const key of gone) next.delete(key)
  for (const [key, value] of Object.entries(set)) next.set(key, value)
  return next
}

export interface TurnState {
  readonly state: Omit<AgentState, 'history'>
  writes(): WriteSet
  /** Does what was done relative to these keys once more, on top of what others have committed meanwhile. */
  rebase(newer: StateDiff): void
}

/** A write on top of what stands there, so that it can be done again on something else. */
type Change =
  | { readonly by: 'add'; amount: number }
  | { readonly by: 'append'; readonly items: unknown[] }
  | { readonly by: 'update'; readonly change: (value: never) => unknown }

/**
 * The view of one turn: the snapshot with its own writes over it. Values are cloned both ways, so nothing leaks by
 * reference. `mayWrite` throws when a key may not be written here.
 */
export function turnState(snapshot: ReadonlyMap<string, unknown>, mayWrite: (key: string) => void): TurnState {
  let base = snapshot
  const own = new Map<string, unknown>()
  /** Keys whose value owes nothing to what stands there. */
  const replaced = new Set<string>()
  const changes = new Map<string, Change[]>()

  const read = (key: string): unknown => (own.has(key) ? own.get(key) : base.get(key))
  const replace = (key: string, value: unknown): void => {
    mayWrite(key)
    own.set(key, value)
    replaced.add(key)
    changes.delete(key)
  }
  const change = (key: string, made: Change): void => {
    mayWrite(key)
    own.set(key, changed(key, read(key), made))
    if (!replaced.has(key))
      note(
        changes.getOrInsertComputed(key, () => []),
        made,
      )
  }

  return {
    state: {
      get<T>(key: string, fallback?: T): T | undefined {
        const value = read(key)
        return value === undefined ? fallback : (structuredClone(value) as T)
      },
      set: (key, value) => replace(key, value === undefined ? undefined : asJson(key, value)),
      delete: (key) => replace(key, undefined),
      update: (key, compute) => change(key, { by: 'update', change: compute }),
      add: (key, amount) => change(key, { by: 'add', amount: finite(key, amount) }),
      append: (key, ...items) => change(key, { by: 'append', items: items.map((item) => asJson(key, item)) }),
      keys: () => [...new Set([...base.keys(), ...own.keys()])].filter((key) => read(key) !== undefined),
    },
    writes: () => writeSet(own, changes),
    rebase(newer) {
      base = patched(base, newer)
      for (const key of [...Object.keys(newer.set), ...newer.delete]) {
        const made = changes.get(key)
        if (made !== undefined)
          own.set(
            key,
            made.reduce((value, each) => changed(key, value, each), base.get(key)),
          )
      }
    },
  }
}

function changed(key: string, before: unknown, made: Change): unknown {
  switch (made.by) {
    case 'add':
      return (typeof before === 'number' ? before : 0) + made.amount
    case 'append':
      return sized(key, [...(Array.isArray(before) ? before : []), ...made.items])
    case 'update': {
      const value = made.change((before === undefined ? undefined : structuredClone(before)) as never)
      return value === undefined ? undefined : asJson(key, value)
    }
  }
}

/** Runs of the same kind become one. */
function note(list: Change[], made: Change): void {
  const last = list.at(-1)
  if (last?.by === 'add' && made.by === 'add') last.amount += made.amount
  else if (last?.by === 'append' && made.by === 'append') last.items.push(...made.items)
  else list.push(made)
}

/** Core itself can add and append; what only the author's function can do travels as its value, marked. */
function writeSet(own: ReadonlyMap<string, unknown>, changes: ReadonlyMap<string, readonly Change[]>): WriteSet {
  const writes = { set: {} as Record<string, unknown>, delete: [] as string[], updated: [] as string[] }
  const add: Record<string, number> = {}
  const append: Record<string, unknown[]> = {}
  for (const [key, value] of own) {
    const [first, ...more] = changes.get(key) ?? []
    if (first?.by === 'add' && more.length === 0) add[key] = first.amount
    else if (first?.by === 'append' && more.length === 0) append[key] = first.items
    else {
      if (value === undefined) writes.delete.push(key)
      else writes.set[key] = value
      if (first !== undefined) writes.updated.push(key)
    }
  }
  const given = Object.entries({ ...writes, add, append }).filter(([, value]) => Object.keys(value).length > 0)
  return Object.fromEntries(given)
}

function finite(key: string, amount: number): number {
  if (Number.isFinite(amount)) return amount
  const message = `state.add("${key}") expects a finite number, found ${amount}`
  throw codedError({ code: 'INVALID_ARGUMENT', message })
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
