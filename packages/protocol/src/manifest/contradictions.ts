import type { ManifestDocument } from './schema.ts'

/** Fields that are right one by one and wrong together. `path` is that of the one to change. */
export interface Contradiction {
  readonly path: readonly string[]
  readonly expected: string
  readonly found: string
}

export function contradictions({ isolation, permissions }: ManifestDocument): Contradiction[] {
  const granted = Object.entries(permissions).find(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
  if (isolation !== 'thread' || granted === undefined) return []
  const expected = 'auto or process, because permissions are given to a cell and not to one thread in it'
  return [{ path: ['isolation'], expected, found: `thread beside permissions.${granted[0]}` }]
}
