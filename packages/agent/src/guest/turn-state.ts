import type { CoreMessage, limits, WriteSet } from '@vigil/protocol'
import type { AgentState } from '../index.ts'
import { agentError } from './agent-error.ts'
import { jsonText } from './json-value.ts'

/**
 * The state of a process as a guest has it: what is committed, kept between turns because core then sends changes
 * only, and per turn a snapshot with the turn's own writes. Values never share memory with the author's objects.
 */
export type CommittedState = Map<string, unknown>

type StateUpdate = Extract<CoreMessage, { t: 'turn' }>['state']

export function applyUpdate(committed: CommittedState, update: StateUpdate): void {
  if (update.full) committed.clear()
  for (const [key, value] of Object.entries(update.set)) committed.set(key, value)
  for (const key of update.delete) committed.delete(key)
}

export interface TurnState {
  readonly state: Omit<AgentState, 'history'>
  writes(): WriteSet
}

// The types of the protocol are imported and its values are not: they would bring its schemas into every guest.
const maxValueBytes: (typeof limits)['stateValueBytes'] = 256_000

export function turnState(committed: CommittedState): TurnState {
  const view = new Map(committed)
  const set = new Set<string>()
  const deleted = new Set<string>()
  const added = new Map<string, number>()
  const appended = new Map<string, unknown[]>()

  const replace = (key: string, value: unknown): void => {
    deleted.delete(key)
    added.delete(key)
    appended.delete(key)
    set.add(key)
    view.set(key, sized(key, value))
  }

  const state: TurnState['state'] = {
    get: (key: string, fallback?: unknown) => (view.has(key) ? structuredClone(view.get(key)) : fallback) as never,
    set: replace,
    delete(key) {
      set.delete(key)
      added.delete(key)
      appended.delete(key)
      view.delete(key)
      deleted.add(key)
    },
    update(key, change) {
      const value = change(structuredClone(view.get(key)) as never)
      replace(key, value)
      return value
    },
    add(key, amount) {
      const before = view.get(key) ?? 0
      if (typeof before !== 'number') throw agentError('INVALID_ARGUMENT', `state.add: "${key}" holds no number`)
      if (!Number.isFinite(amount)) throw agentError('INVALID_ARGUMENT', `state.add: expected a finite number for "${key}", found ${String(amount)}`)
      const sum = before + amount
      if (set.has(key) || deleted.has(key)) replace(key, sum)
      else {
        added.set(key, (added.get(key) ?? 0) + amount)
        view.set(key, sum)
      }
      return sum
    },
    append(key, ...items) {
      const before = view.get(key) ?? []
      if (!Array.isArray(before)) throw agentError('INVALID_ARGUMENT', `state.append: "${key}" holds no array`)
      const whole = sized(key, [...before, ...items]) as unknown[]
      if (set.has(key) || deleted.has(key)) return replace(key, whole)
      appended.set(key, [...(appended.get(key) ?? []), ...whole.slice(before.length)])
      view.set(key, whole)
    },
    keys: () => [...view.keys()],
  }

  return {
    state,
    writes: () => ({
      ...(set.size === 0 ? {} : { set: record([...set].map((key) => [key, view.get(key)])) }),
      ...(deleted.size === 0 ? {} : { delete: [...deleted] }),
      ...(added.size === 0 ? {} : { add: record([...added]) }),
      ...(appended.size === 0 ? {} : { append: record([...appended]) }),
    }),
  }
}

const record = <Value>(pairs: [string, Value][]): Record<string, Value> => Object.fromEntries(pairs)

function sized(key: string, value: unknown): unknown {
  if (value === undefined) throw agentError('INVALID_ARGUMENT', `the state value "${key}" is undefined: use state.delete("${key}") to remove it`)
  const text = jsonText(value, `the state value "${key}"`)
  const bytes = Buffer.byteLength(text)
  if (bytes > maxValueBytes) throw agentError('TOO_LARGE', `the state value "${key}" has ${bytes} bytes, at most ${maxValueBytes} are kept`, 'Keep it in a file, or under several keys.')
  return JSON.parse(text)
}

