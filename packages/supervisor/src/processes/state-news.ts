import type { CoreMessage } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'

/** What a life is told of committed state: all of it with its first turn, then only what has changed. */
export interface StateNews {
  next(): Extract<CoreMessage, { t: 'turn' }>['state']
  changed(keys: readonly string[]): void
}

export function stateNews({ state }: Pick<ProcessFold, 'state'>): StateNews {
  /** undefined: it has seen nothing yet. */
  let changed: Set<string> | undefined
  return {
    next() {
      const keys = changed
      changed = new Set()
      if (keys === undefined) return { full: true, set: Object.fromEntries(state), delete: [] }
      const set: Record<string, unknown> = {}
      const gone: string[] = []
      for (const key of keys) {
        if (state.has(key)) set[key] = state.get(key)
        else gone.push(key)
      }
      return { full: false, set, delete: gone }
    },
    changed(keys) {
      for (const key of keys) changed?.add(key)
    },
  }
}
