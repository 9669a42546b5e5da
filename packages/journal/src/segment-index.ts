import type { JournalRecord, PageQuery } from '@vigil/protocol'

/**
 * Where the records of one segment stand. Each record is known by its ordinal, its place in the segment from 0; the
 * records of one process are a chain from the newest back, so that a page takes the few it needs and passes over the rest.
 */
export interface SegmentIndex {
  /** Sequence number of the record with ordinal 0. */
  readonly first: number
  /** How many records. */
  readonly count: number
  /** Where the last line ends. */
  readonly bytes: number
  readonly types: readonly string[]
  chainOf(process: string): Chain | undefined
  /** False when no record of this turn is in the segment. */
  mayHold(turn: string): boolean
  columns(): Promise<Columns>
}

/** The records of one process in a segment: their `n` run without a gap. */
export interface Chain {
  /** Ordinal of the newest. */
  last: number
  firstN: number
  count: number
  /** A bit for each type that is among them, by its place in `types`. */
  typeMask: number
}

/** One entry for each record, by ordinal. */
export interface Columns {
  /** Where its line begins; it ends where the next one begins. */
  readonly offsets: Uint32Array
  /** Ordinal of the record before it in its process, plus 1; 0 for the first. */
  readonly previous: Uint32Array
  /** Hash of its turn; 0 without one. */
  readonly turns: Uint32Array
  readonly types: Uint8Array
}

/** More types than a byte can name share the last number, which every search looks at. */
export const anyType = 255
export const typeBit = (id: number): number => (id === anyType ? -1 : 1 << (id & 31))

export function turnHash(turn: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < turn.length; index += 1) hash = Math.imul(hash ^ turn.charCodeAt(index), 0x01000193)
  return hash >>> 0 || 1
}

/** Ordinals that may belong on a page, newest first. A hash may lie: what is read has to be looked at once more. */
export function* ordinals(index: SegmentIndex, columns: Columns, query: PageQuery): Generator<number> {
  const chain = chainFor(index, query)
  if (chain === undefined) return
  const { process: _, type, turn, before = Number.POSITIVE_INFINITY, after = 0 } = query
  const { previous, turns, types } = columns
  const wantedType = type === undefined ? -1 : index.types.indexOf(type)
  const wantedTurn = turn === undefined ? 0 : turnHash(turn)
  let n = chain.firstN + chain.count - 1
  for (let at = chain.last + 1; at > 0 && n > after; at = previous[at - 1] as number) {
    const ordinal = at - 1
    const isType = type === undefined || types[ordinal] === wantedType || types[ordinal] === anyType
    if (n < before && isType && (turn === undefined || turns[ordinal] === wantedTurn)) yield ordinal
    n -= 1
  }
}

/** The chain that a page has to follow in this segment; undefined when nothing in it can belong on the page. */
export function chainFor(index: SegmentIndex, { process, type, turn, before, after }: PageQuery): Chain | undefined {
  const chain = index.chainOf(process)
  if (chain === undefined) return undefined
  if (before !== undefined && chain.firstN >= before) return undefined
  if (after !== undefined && chain.firstN + chain.count - 1 <= after) return undefined
  if (type !== undefined && (chain.typeMask & typeMask(index.types, type)) === 0) return undefined
  return turn !== undefined && !index.mayHold(turn) ? undefined : chain
}

function typeMask(types: readonly string[], type: string): number {
  const id = types.indexOf(type)
  if (id !== -1) return typeBit(id)
  return types.length >= anyType ? -1 : 0
}

export type Placed = Pick<JournalRecord, 'process' | 'n' | 'type' | 'turn'>
