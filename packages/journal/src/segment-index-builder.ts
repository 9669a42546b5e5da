import {
  anyType,
  type Chain,
  type Columns,
  type Placed,
  type SegmentIndex,
  turnHash,
  typeBit,
} from './segment-index.ts'

/** The index of a segment while it grows: 13 bytes a record, so a twentieth of the segment itself. */
export interface SegmentIndexBuilder extends SegmentIndex {
  readonly chains: ReadonlyMap<string, Chain>
  readonly current: Columns
  /** The next record of the segment, and where its line begins and ends. */
  add(record: Placed, start: number, end: number): void
}

export function segmentIndexBuilder(first: number): SegmentIndexBuilder {
  let columns = newColumns(64)
  let count = 0
  let bytes = 0
  let lastTurn: string | undefined
  let lastHash = 0
  const types: string[] = []
  const typeIds = new Map<string, number>()
  const chains = new Map<string, Chain>()

  const typeId = (type: string): number => {
    const known = typeIds.get(type)
    if (known !== undefined) return known
    const id = types.length < anyType ? types.push(type) - 1 : anyType
    typeIds.set(type, id)
    return id
  }

  return {
    first,
    types,
    chains,
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    get current() {
      return columns
    },
    add({ process, n, type, turn }, start, end) {
      if (count === columns.offsets.length) columns = longer(columns)
      const id = typeId(type)
      let chain = chains.get(process)
      if (chain === undefined) {
        chain = { last: -1, firstN: n, count: 0, typeMask: 0 }
        chains.set(process, chain)
      }
      columns.offsets[count] = start
      columns.previous[count] = chain.last + 1
      columns.types[count] = id
      if (turn !== undefined && turn !== lastTurn) {
        lastTurn = turn
        lastHash = turnHash(turn)
      }
      columns.turns[count] = turn === undefined ? 0 : lastHash
      chain.last = count
      chain.count += 1
      chain.typeMask |= typeBit(id)
      count += 1
      bytes = end
    },
    chainOf: (process) => chains.get(process),
    mayHold: () => true,
    columns: () => Promise.resolve(columns),
  }
}

const newColumns = (length: number): Columns => ({
  offsets: new Uint32Array(length),
  previous: new Uint32Array(length),
  turns: new Uint32Array(length),
  types: new Uint8Array(length),
})

/** A copy: who walks the old columns goes on undisturbed. */
function longer(columns: Columns): Columns {
  const next = newColumns(columns.offsets.length * 2)
  next.offsets.set(columns.offsets)
  next.previous.set(columns.previous)
  next.turns.set(columns.turns)
  next.types.set(columns.types)
  return next
}
