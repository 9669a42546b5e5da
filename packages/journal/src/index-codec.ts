import { crc32 } from 'node:zlib'
import type { Chain, Columns, SegmentIndex } from './segment-index.ts'
import { turnHash } from './segment-index.ts'
import type { SegmentIndexBuilder } from './segment-index-builder.ts'

/**
 * A sidecar: 8 hex digits of CRC32 over the front; the front, which is a line of JSON, the table of chains sorted by name,
 * their names, and a bloom filter of the turns; then the columns, whose CRC32 the line of JSON has. The front is enough to
 * pass over a segment, and small.
 */
interface FrontHeader {
  readonly vigil: 'index'
  readonly format: 1
  readonly first: number
  readonly count: number
  readonly bytes: number
  readonly types: readonly string[]
  readonly chains: number
  readonly names: number
  readonly bloom: number
  readonly columns: string
}

export interface EncodedIndex {
  readonly front: Buffer
  readonly columns: Buffer
}

const crcBytes = 8
/** name end, last, count, type mask: 4 bytes each, firstN: 8. */
const chainBytes = 24
const columnBytes = 13

export function encodeIndex(index: SegmentIndexBuilder): EncodedIndex {
  const columns = encodeColumns(index.current, index.count)
  const sorted = [...index.chains].sort(([a], [b]) => (a < b ? -1 : 1))
  const table = Buffer.alloc(sorted.length * chainBytes)
  const names = sorted.map(([name]) => Buffer.from(name))
  let nameEnd = 0
  for (const [row, [, chain]] of sorted.entries()) {
    nameEnd += (names[row] as Buffer).length
    const at = row * chainBytes
    table.writeUInt32LE(nameEnd, at)
    table.writeUInt32LE(chain.last, at + 4)
    table.writeUInt32LE(chain.count, at + 8)
    table.writeInt32LE(chain.typeMask, at + 12)
    table.writeDoubleLE(chain.firstN, at + 16)
  }
  const bloom = bloomOf(index.current.turns.subarray(0, index.count))
  const header: FrontHeader = {
    vigil: 'index',
    format: 1,
    first: index.first,
    count: index.count,
    bytes: index.bytes,
    types: index.types,
    chains: sorted.length,
    names: nameEnd,
    bloom: bloom.length,
    columns: hex(crc32(columns)),
  }
  const front = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), table, ...names, bloom])
  return { front: Buffer.concat([Buffer.from(hex(crc32(front))), front]), columns }
}

const hex = (crc: number): string => crc.toString(16).padStart(crcBytes, '0')

export interface Front extends Omit<SegmentIndex, 'columns'> {
  /** Length of the encoded front: behind it lie the columns. */
  readonly length: number
  readonly columnBytes: number
  readonly columnCrc: string
}

/** How long the front is that begins with these bytes; undefined when that cannot be told. */
export function frontLength(bytes: Buffer): number | undefined {
  const header = headerOf(bytes)
  return header === undefined ? undefined : header.end + header.chains * chainBytes + header.names + header.bloom
}

/** Undefined when a byte of it is not as it was written. */
export function decodeFront(bytes: Buffer): Front | undefined {
  if (bytes.toString('latin1', 0, crcBytes) !== hex(crc32(bytes.subarray(crcBytes)))) return undefined
  const header = headerOf(bytes)
  if (header === undefined || header.format !== 1) return undefined
  const { first, count, types, chains, end } = header
  const table = bytes.subarray(end, end + chains * chainBytes)
  const names = bytes.subarray(end + table.length, end + table.length + header.names)
  const bloom = bytes.subarray(end + table.length + names.length)
  const nameAt = (row: number): string =>
    names.toString(
      'utf8',
      row === 0 ? 0 : table.readUInt32LE((row - 1) * chainBytes),
      table.readUInt32LE(row * chainBytes),
    )
  return {
    first,
    count,
    types,
    bytes: header.bytes,
    length: bytes.length,
    columnBytes: count * columnBytes,
    columnCrc: header.columns,
    chainOf(process) {
      const row = rowOf(process, chains, nameAt)
      return row === undefined ? undefined : chainAt(table, row * chainBytes)
    },
    mayHold: (turn) => bloomHolds(bloom, turnHash(turn)),
  }
}

function headerOf(bytes: Buffer): (FrontHeader & { readonly end: number }) | undefined {
  const lineEnd = bytes.indexOf(10)
  if (lineEnd === -1) return undefined
  try {
    const header = JSON.parse(bytes.toString('utf8', crcBytes, lineEnd)) as FrontHeader
    return header.vigil === 'index' ? { ...header, end: lineEnd + 1 } : undefined
  } catch {
    return undefined
  }
}

const chainAt = (table: Buffer, at: number): Chain => ({
  last: table.readUInt32LE(at + 4),
  count: table.readUInt32LE(at + 8),
  typeMask: table.readInt32LE(at + 12),
  firstN: table.readDoubleLE(at + 16),
})

function rowOf(process: string, rows: number, nameAt: (row: number) => string): number | undefined {
  let low = 0
  let high = rows - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const name = nameAt(middle)
    if (name === process) return middle
    if (name < process) low = middle + 1
    else high = middle - 1
  }
  return undefined
}

/** The columns one behind the other; bytes as this machine orders them, which the checksum proves to be the same. */
function encodeColumns({ offsets, previous, turns, types }: Columns, count: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(count * columnBytes)
  const wide = [offsets, previous, turns].map((column) => Buffer.from(column.buffer, 0, count * 4))
  for (const [index, column] of wide.entries()) bytes.set(column, index * count * 4)
  bytes.set(types.subarray(0, count), count * 12)
  return bytes
}

/** `bytes` has memory of its own, from its first byte on. */
export function decodeColumns(bytes: Buffer, { count, columnCrc }: Front): Columns | undefined {
  if (hex(crc32(bytes)) !== columnCrc) return undefined
  return {
    offsets: new Uint32Array(bytes.buffer, 0, count),
    previous: new Uint32Array(bytes.buffer, count * 4, count),
    turns: new Uint32Array(bytes.buffer, count * 8, count),
    types: new Uint8Array(bytes.buffer, count * 12, count),
  }
}

/** Two bits a record: a turn has several records, and one in some dozens of absent ones is taken for present. */
function bloomOf(turns: Uint32Array): Buffer {
  const bloom = Buffer.alloc(Math.max(8, 2 ** Math.ceil(Math.log2(turns.length / 4 + 1))))
  for (const hash of turns) if (hash !== 0) for (const bit of bitsOf(hash, bloom)) mark(bloom, bit)
  return bloom
}

const bloomHolds = (bloom: Buffer, hash: number): boolean =>
  bitsOf(hash, bloom).every((bit) => ((bloom[bit >>> 3] as number) & (1 << (bit & 7))) !== 0)

const mark = (bloom: Buffer, bit: number): void => {
  bloom[bit >>> 3] = (bloom[bit >>> 3] as number) | (1 << (bit & 7))
}

const bitsOf = (hash: number, bloom: Buffer): [number, number] => {
  const mask = bloom.length * 8 - 1
  return [hash & mask, (Math.imul(hash, 0x9e3779b1) >>> 7) & mask]
}
