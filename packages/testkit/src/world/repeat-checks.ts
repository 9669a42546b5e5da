import type { JournalRecord } from '@vigil/protocol'

/**
 * Tools that are neither once nor irreversible are billed each time that they run: a call of one whose turn was given to a guest again
 * has no outcome before its last run is charged, unless it may not run any more.
 */
export function repeatsArePaid() {
  const once = new Set<string>()
  /** By process, turn and key; true while a run of it is owed. */
  const calls = new Map<string, boolean>()
  return {
    add(record: JournalRecord): string[] {
      const turn = `${record.process} ${record.turn}`
      const call = 'key' in record.data ? `${turn} ${record.data.key}` : ''
      switch (record.type) {
        case 'agent.described':
          for (const { name, once: isOnce, irreversible } of record.data.tools ?? [])
            once[isOnce || irreversible ? 'add' : 'delete'](`${record.process} ${name}`)
          return []
        case 'effect.intended': {
          const { kind, repeatable, reserved, input } = record.data
          if (kind !== 'tool' || !repeatable || (reserved?.usd ?? 0) === 0) return []
          if (!once.has(`${record.process} ${(input as { readonly name: string }).name}`)) calls.set(call, false)
          return []
        }
        case 'turn.started':
          for (const each of calls.keys()) if (each.startsWith(`${turn} `)) calls.set(each, true)
          return []
        case 'effect.repeated':
          calls.set(call, false)
          return []
        case 'budget.charged':
          for (const each of calls.keys()) if (each.startsWith(`${turn} `)) calls.delete(each)
          return []
        case 'effect.completed': {
          const isOwed = calls.get(call) === true
          calls.delete(call)
          const { outcome } = record.data
          const ran = outcome.ok || outcome.error.code !== 'BUDGET_EXCEEDED'
          return isOwed && ran ? [`${call} ran again, and its last run is not paid`] : []
        }
        default:
          return []
      }
    },
  }
}
