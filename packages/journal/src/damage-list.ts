import { basename } from 'node:path'
import type { JournalDamage } from '@vigil/protocol'

/** Segments that turned out to be damaged, each told once. */
export interface DamageList {
  found(path: string, offset: number): void
  has(path: string): boolean
  listen(listener: (damage: JournalDamage) => void): () => void
}

export function damageList(): DamageList {
  const listeners = new Set<(damage: JournalDamage) => void>()
  const known = new Set<string>()
  return {
    found(path, offset) {
      if (known.has(path)) return
      known.add(path)
      for (const listener of listeners) listener({ segment: basename(path), offset })
    },
    has: (path) => known.has(path),
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
