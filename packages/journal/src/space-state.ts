import type { JournalSpace, SpaceState } from '@vigil/protocol'

/** The space of a log, and the way to change it. */
export function spaceState(): JournalSpace & { become(state: SpaceState): void } {
  const listeners = new Set<(state: SpaceState) => void>()
  let state: SpaceState = 'open'
  return {
    get state() {
      return state
    },
    become(next) {
      if (next === state) return
      state = next
      for (const listener of listeners) listener(next)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
