import { limits } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from '../fold/process-fold.ts'

export interface FoundEntry extends MemoryEntry {
  /** 0 where nothing was asked. */
  readonly score: number
}

/** The best first: by score, then the newest, then by id. Without scores all of them. */
export function ranked(
  { memory }: Pick<ProcessFold, 'memory'>,
  scores: ReadonlyMap<string, number> | undefined,
  tags: readonly string[] = [],
): FoundEntry[] {
  const found: FoundEntry[] = []
  for (const id of scores?.keys() ?? memory.keys()) {
    const entry = memory.get(id)
    if (entry !== undefined && tags.every((tag) => entry.tags.includes(tag)))
      found.push({ ...entry, score: scores?.get(id) ?? 0 })
  }
  return found.sort(byRank)
}

export type Rank = Pick<FoundEntry, 'score' | 'at' | 'id'>

export const byRank = (a: Rank, b: Rank): number =>
  b.score - a.score || (a.at === b.at ? 0 : a.at < b.at ? 1 : -1) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** As many as are wanted and one outcome holds. */
export function best(found: readonly FoundEntry[], max: number): FoundEntry[] {
  let bytes = 0
  const most = found.slice(0, max).findIndex(({ text }) => {
    bytes += Buffer.byteLength(text)
    return bytes > limits.resultBytes
  })
  return found.slice(0, most === -1 ? max : most)
}
