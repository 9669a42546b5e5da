import { type Clock, limits } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { type MemoryIndex, memoryIndex } from './memory-index.ts'

/** The indexes of memories that were searched lately, made when they are first asked for. */
export interface MemoryIndexes {
  /** Brings the index of a row to what it holds, and lets others work in between: then a search takes no time. */
  prepare(row: ProcessFold, query: string): Promise<void>
  /** As of this instant: score by id of the entries that hold a word of the query; undefined when it holds no text at all. */
  scores(row: ProcessFold, query: string): ReadonlyMap<string, number> | undefined
}

/** So much text is taken in before everybody else has a turn: measured, some 3 ms. */
const charsAtOnce = 8_192

const mostIndexes = 256

export function memoryIndexes(clock: Clock): MemoryIndexes {
  /** The one that was used last stands last. */
  const indexes = new Map<ProcessFold, MemoryIndex>()

  const touch = (row: ProcessFold): MemoryIndex => {
    const index = indexes.get(row) ?? memoryIndex()
    indexes.delete(row)
    if (row.memory.size === 0) return index
    indexes.set(row, index)
    let bytes = 0
    for (const [rank, each] of [...indexes.keys()].reverse().entries()) {
      bytes += each.memoryBytes
      if (rank > 0 && (bytes > limits.memoryBytes || rank >= mostIndexes)) indexes.delete(each)
    }
    return index
  }

  return {
    async prepare(row, query) {
      if (isBlank(query)) return
      let chars = 0
      for (const taken of touch(row).catchUp(row.memory)) {
        chars += taken
        if (chars < charsAtOnce) continue
        chars = 0
        await new Promise<void>((resolve) => clock.setTimer(0, resolve))
      }
    },
    scores(row, query) {
      if (isBlank(query)) return undefined
      const index = touch(row)
      for (const _ of index.catchUp(row.memory));
      return index.scores(query)
    },
  }
}

const isBlank = (query: string): boolean => query.trim() === ''
