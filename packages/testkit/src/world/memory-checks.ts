import { isDeepStrictEqual } from 'node:util'
import type { JournalRecord } from '@vigil/protocol'
import type { Manifest } from '@vigil/supervisor'

interface Entry {
  readonly id: string
  readonly text: string
  readonly by: string
}

/** What a search gives was stored in that memory and is not forgotten; and what is said to be forgotten was there. */
export function memoryTold(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const memories = new Map<string, Map<string, Entry>>()
  const shared = new Map<string, string | undefined>()
  const memoryOf = (process: string, space: string | undefined): Map<string, Entry> =>
    memories.getOrInsertComputed(space === undefined ? process : `@${space}`, () => new Map())
  for (const record of log) {
    const { process, seq } = record
    if (record.type === 'process.deployed')
      shared.set(process, (record.data.manifest as unknown as Manifest).memory?.share)
    else if (record.type === 'process.removed') memories.delete(process)
    else if (record.type === 'memory.stored') {
      const { id, text, space } = record.data
      memoryOf(process, space).set(id, { id, text, by: process })
    } else if (record.type === 'memory.forgotten') {
      const { id, space, was_there } = record.data
      if (memoryOf(process, space).delete(id) !== was_there)
        broken.push(`record ${seq}: entry ${id} was ${was_there ? 'not ' : ''}there`)
    } else if (record.type === 'effect.completed' && record.data.kind === 'memory.search' && record.data.outcome.ok) {
      const now = memoryOf(process, shared.get(process))
      // Of a large one only the hash may be left.
      const { value } = record.data.outcome
      for (const { id, text, by } of Array.isArray(value) ? (value as Entry[]) : [])
        if (!isDeepStrictEqual(now.get(id), { id, text, by }))
          broken.push(`record ${seq}: a search of ${process} gave ${id}, which is not what its memory holds`)
    }
  }
  return broken
}
