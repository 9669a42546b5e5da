import MiniSearch from 'minisearch'
import type { MemoryEntry } from '../fold/process-fold.ts'
import { rounded } from './search.ts'

/**
 * Keyword search (BM25+) over the entries of one memory. A cache: it can be thrown away at any time, and brings itself to what
 * the fold holds.
 */
export interface MemoryIndex {
  /** What it lacks, one entry per step: each yields how much text that was. Ends when nothing is missing. */
  catchUp(entries: ReadonlyMap<string, MemoryEntry>): Generator<number>
  /** Score by id, of those that hold a word of the query. */
  scores(query: string): ReadonlyMap<string, number>
}

export function memoryIndex(): MemoryIndex {
  const indexed = new Map<string, MemoryEntry>()
  const search = new MiniSearch<MemoryEntry>({
    fields: ['text'],
    tokenize: wordsOf,
    // Words are folded as they are cut out, and what is taken out is taken out at once: no timer cleans up later.
    processTerm: (word) => word,
    autoVacuum: false,
  })
  const drop = (entry: MemoryEntry): number => {
    search.remove(entry)
    indexed.delete(entry.id)
    return entry.text.length
  }

  return {
    *catchUp(entries) {
      for (const entry of indexed.values()) if (entries.get(entry.id)?.text !== entry.text) yield drop(entry)
      for (const entry of entries.values()) {
        const before = indexed.get(entry.id)
        if (before?.text === entry.text) continue
        const dropped = before === undefined ? 0 : drop(before)
        search.add(entry)
        indexed.set(entry.id, entry)
        yield dropped + entry.text.length
      }
    },
    scores(query) {
      const words = [...new Set(wordsOf(query))].slice(0, longestQuery)
      if (words.length === 0) return new Map()
      return new Map(search.search(words.join(' ')).map(({ id, score }) => [id as string, rounded(score)]))
    },
  }
}

const longestQuery = 64

/** Case and accents are folded; whatever is no letter and no digit parts words. */
const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
