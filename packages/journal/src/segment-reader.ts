import { type FileSystem, type JournalRecord, VigilError } from '@vigil/protocol'
import { checkLine, decodeHeader, decodeRecord, journalFormat } from './record-codec.ts'

/** What reading a segment found: everything up to `goodBytes` is whole and in its place. */
export interface SegmentReading {
  readonly first: number
  readonly lastSeq: number
  /** crc of the last whole line, which the next one continues. */
  readonly chain: number
  /** The crc of the segment before, as the header has it. */
  readonly seed: number
  readonly goodBytes: number
  readonly totalBytes: number
  /** A valid line stands behind the bad bytes: that is no torn tail. */
  readonly damagedInside: boolean
}

const pieceBytes = 1_048_576
const newline = 10

/**
 * Reads a segment in pieces, checks every line, and visits each record of a whole batch. Undefined when not even the header is whole:
 * a segment whose creation was cut short.
 */
export async function readSegment(
  fileSystem: FileSystem,
  path: string,
  visit: (record: JournalRecord) => void,
): Promise<SegmentReading | undefined> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const totalBytes = await handle.size()
    let reading: { first: number; lastSeq: number; chain: number; seed: number; goodBytes: number } | undefined
    /** Lines that are good, of a batch whose last line is still to come. */
    let batch: JournalRecord[] = []
    let reached = { seq: 0, chain: 0, bytes: 0 }
    let bad = false
    let damagedInside = false
    let rest = Buffer.alloc(0)
    for (let position = 0; position < totalBytes; ) {
      const piece = Buffer.alloc(Math.min(pieceBytes, totalBytes - position))
      const count = await handle.read(piece, position)
      if (count === 0) break
      position += count
      const text = rest.length === 0 ? piece.subarray(0, count) : Buffer.concat([rest, piece.subarray(0, count)])
      let at = 0
      for (let end = text.indexOf(newline, at); end !== -1; end = text.indexOf(newline, at)) {
        const line = text.subarray(at, end)
        at = end + 1
        if (bad) {
          damagedInside ||= looksWhole(line)
          continue
        }
        if (reading === undefined) {
          const header = decodeHeader(line)
          if (header !== undefined && header.format !== journalFormat) throw foreignFormat(path, header.format)
          if (header === undefined) bad = true
          else
            reading = {
              first: header.first,
              lastSeq: header.first - 1,
              chain: header.chain,
              seed: header.chain,
              goodBytes: line.length + 1,
            }
          if (reading !== undefined) reached = { seq: reading.lastSeq, chain: reading.chain, bytes: reading.goodBytes }
          continue
        }
        const crc = checkLine(line, reached.chain)
        const decoded = crc === undefined ? undefined : decodeRecord(line)
        if (crc === undefined || decoded === undefined || decoded.record.seq !== reached.seq + 1) {
          bad = true
          damagedInside ||= looksWhole(line)
          continue
        }
        reached = { seq: decoded.record.seq, chain: crc, bytes: reached.bytes + line.length + 1 }
        batch.push(decoded.record)
        if (decoded.more) continue
        for (const record of batch) visit(record)
        batch = []
        reading = { ...reading, lastSeq: reached.seq, chain: reached.chain, goodBytes: reached.bytes }
      }
      rest = Buffer.from(text.subarray(at))
    }
    return reading === undefined ? undefined : { ...reading, totalBytes, damagedInside }
  } finally {
    await handle.close()
  }
}

const foreignFormat = (path: string, format: number): VigilError =>
  new VigilError(
    'JOURNAL_DAMAGED',
    `expected the journal segment ${path} in format ${journalFormat}, found format ${format}: open it with the version that wrote it`,
    { details: { segment: path, offset: 0 } },
  )

const recordOpens = '{"seq":'

/**
 * A line that was whole once: it parses and names a place. A torn write leaves no such thing behind itself. The line
 * may begin in the middle, when the newline before it is what was damaged.
 */
function looksWhole(line: Buffer): boolean {
  if (readsAsRecord(line)) return true
  for (let at = line.indexOf(recordOpens, 1); at !== -1; at = line.indexOf(recordOpens, at + 1)) {
    if (line.toString('latin1', at - 3, at - 1) === '"}' && readsAsRecord(line.subarray(at))) return true
  }
  return false
}

function readsAsRecord(line: Buffer): boolean {
  try {
    const value = JSON.parse(line.toString('utf8')) as { seq?: unknown; crc?: unknown }
    return typeof value.seq === 'number' && typeof value.crc === 'string'
  } catch {
    return false
  }
}
