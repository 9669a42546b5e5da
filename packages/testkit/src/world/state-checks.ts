import type { JournalRecord, WriteSet } from '@vigil/protocol'

interface Written {
  readonly by: string
  readonly seq: number
}

/**
 * State is a transaction, judged from the records alone: whoever replaced a key unread that another had committed since
 * the attempt began said so, naming whose value it was, and nobody else did.
 */
export function overwritesTold(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const attempts = new Map<string, { readonly attempt: number; readonly seq: number }>()
  const written = new Map<string, Written>()
  const told = new Map<string, Set<string>>()
  for (const record of log) {
    const turn = `${record.process} ${record.turn}`
    const { process } = record
    const place = (key: string): string => `${process} ${key}`
    const note = (keys: readonly string[], by: string): void => {
      for (const key of keys) written.set(place(key), { by, seq: record.seq })
    }
    if (record.type === 'turn.started') {
      const { attempt } = record.data
      if (attempts.get(turn)?.attempt !== attempt) attempts.set(turn, { attempt, seq: record.seq })
    } else if (record.type === 'state.patched') note(Object.keys(record.data.set), record.data.by)
    else if (record.type === 'state.overwritten') {
      const { key, overwritten } = record.data
      told.getOrInsertComputed(turn, () => new Set<string>()).add(`${key} of ${overwritten}`)
    } else if (record.type === 'turn.completed') {
      const begun = attempts.get(turn)?.seq ?? 0
      const owed = replacedKeys(record.data.writes).flatMap((key) => {
        const last = written.get(place(key))
        return last !== undefined && last.seq > begun ? [`${key} of ${last.by}`] : []
      })
      for (const what of new Set(owed).symmetricDifference(told.get(turn) ?? new Set<string>()))
        broken.push(
          `turn ${turn}: that it replaced ${what} was ${owed.includes(what) ? 'not told' : 'told and is not so'}`,
        )
      note(allKeys(record.data.writes), record.turn ?? '')
    } else if (record.type === 'process.removed')
      for (const name of written.keys()) if (name.startsWith(`${record.process} `)) written.delete(name)
  }
  return broken
}

function replacedKeys({ set = {}, delete: gone = [], updated = [] }: WriteSet): string[] {
  return [...gone, ...Object.keys(set)].filter((key) => !updated.includes(key))
}

const allKeys = ({ set = {}, delete: gone = [], add = {}, append = {} }: WriteSet): string[] => [
  ...gone,
  ...Object.keys({ ...set, ...add, ...append }),
]
