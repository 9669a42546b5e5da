import type { ManifestDocument, TriggerDocument } from './schema.ts'

/** Fields that are right one by one and wrong together. `path` is that of the one to change. */
export interface Contradiction {
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly found: string
}

export const contradictions = (manifest: ManifestDocument): Contradiction[] => [
  ...ofIsolation(manifest),
  ...manifest.triggers.flatMap((trigger, index) =>
    ofTrigger(trigger).map((found) => ({ ...found, path: ['triggers', index, ...found.path] })),
  ),
]

function ofIsolation({ isolation, permissions }: ManifestDocument): Contradiction[] {
  const granted = Object.entries(permissions).find(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
  if (isolation !== 'thread' || granted === undefined) return []
  const expected = 'auto or process, because permissions are given to a cell and not to one thread in it'
  return [{ path: ['isolation'], expected, found: `thread beside permissions.${granted[0]}` }]
}

function ofTrigger(trigger: TriggerDocument): Contradiction[] {
  if (trigger.type === 'file_watch' || !('debounce' in trigger || 'key' in trigger)) return []
  const found: Contradiction[] = []
  if (trigger.debounce !== undefined && trigger.batch !== undefined) {
    const expected = 'batch or debounce, because one takes all events that come together and the other only the last'
    found.push({ path: ['batch'], expected, found: 'both' })
  }
  if (trigger.key !== undefined && trigger.debounce === undefined)
    found.push({
      path: ['key'],
      expected: 'debounce beside key, which says whose events follow each other',
      found: 'none',
    })
  return found
}
