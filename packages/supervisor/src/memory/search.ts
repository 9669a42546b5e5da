import { limits } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from '../fold/process-fold.ts'

export interface FoundEntry extends Omit<MemoryEntry, 'vector'> {
  /** 0 where nothing was asked. */
  readonly score: number
}

/** The best first: by score, then the newest, then by id. Without scores all of them. */
export function ranked(
  { memory }: Pick<ProcessFold, 'memory'>,
  scores: ReadonlyMap<string, number> | undefined,
  {
    tags = [],
    most = Number.POSITIVE_INFINITY,
  }: { readonly tags?: readonly string[] | undefined; readonly most?: number } = {},
): FoundEntry[] {
  const matching: { readonly entry: MemoryEntry; readonly score: number }[] = []
  for (const id of scores?.keys() ?? memory.keys()) {
    const entry = memory.get(id)
    if (entry === undefined || !tags.every((tag) => entry.tags.includes(tag))) continue
    matching.push({ entry, score: scores?.get(id) ?? 0 })
  }
  const least = leastOf(matching, most)
  const found = matching.flatMap(({ entry: { vector: _, ...shown }, score }) =>
    score < least ? [] : [{ ...shown, score }],
  )
  return found.sort(byRank).slice(0, most)
}

/** The score of the last of so many: numbers are sorted in a tenth of the time of entries. */
function leastOf(matching: readonly { readonly score: number }[], most: number): number {
  if (matching.length <= most) return Number.NEGATIVE_INFINITY
  return Float64Array.from(matching, ({ score }) => score).sort()[matching.length - most] ?? 0
}

export type Rank = Pick<FoundEntry, 'score' | 'at' | 'id'>

export const byRank = (a: Rank, b: Rank): number =>
  b.score - a.score || (a.at === b.at ? 0 : a.at < b.at ? 1 : -1) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** How much less each place counts than the one before it: as those who made it up found best. */
const damping = 60

/** Reciprocal rank fusion: what stands high in either ranking stands high, and higher in both, whatever their scores mean. */
export function fused(...rankings: readonly (readonly FoundEntry[])[]): FoundEntry[] {
  const found = new Map<string, FoundEntry>()
  for (const ranking of rankings)
    for (const [place, entry] of ranking.entries()) {
      const score = (found.get(entry.id)?.score ?? 0) + 1 / (damping + place + 1)
      found.set(entry.id, { ...entry, score: rounded(score) })
    }
  return [...found.values()].sort(byRank)
}

/** The last digits of a sum depend on the order in which its parts came. */
export const rounded = (score: number): number => Math.round(score * 1e6) / 1e6

/** As many as are wanted and one outcome holds. */
export function best(found: readonly FoundEntry[], max: number): FoundEntry[] {
  let bytes = 0
  const most = found.slice(0, max).findIndex(({ text }) => {
    bytes += Buffer.byteLength(text)
    return bytes > limits.resultBytes
  })
  return found.slice(0, most === -1 ? max : most)
}
