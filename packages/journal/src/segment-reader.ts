import { type FileHandle, type FileSystem, type JournalRecord, VigilError } from '@vigil/protocol'
import { checkLine, decodeHeader, decodeRecord, flushSeq, journalFormat } from './record-codec.ts'

/** What reading a segment found: everything up to `goodBytes` is whole and in its place. */
export interface SegmentReading {
  readonly first: number
  readonly lastSeq: number
  /** crc of the last whole line, which the next one continues. */
  readonly chain: number
  /** The crc of the segment before, as the header has it. */
  readonly seed: number
  readonly goodBytes: number
  /** Where the newest of the whole flushes begins; 0, the header, while there is none. */
  readonly lastFlushAt: number
  /** Where the bad bytes behind the good ones end; `goodBytes` when nothing but blank room follows. */
  readonly badUpTo: number
  /** Length of the file. */
  readonly totalBytes: number
  /** Behind the bad bytes something was written later, when they were on the disk and good: that is no torn tail. */
  readonly damagedInside: boolean
}

/**
 * Reads a segment in pieces, up to `upToBytes` while somebody writes behind it; checks every line, and visits each record
 * of a whole batch. Undefined when not even the header is whole: a segment whose creation was cut short.
 */
export async function readSegment(
  fileSystem: FileSystem,
  path: string,
  visit: (record: JournalRecord) => void,
  upToBytes = Number.POSITIVE_INFINITY,
): Promise<SegmentReading | undefined> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const fold = segmentFold(path, visit)
    const totalBytes = await eachLine(handle, upToBytes, fold.line)
    const found = fold.found()
    return found === undefined ? undefined : { ...found, totalBytes }
  } finally {
    await handle.close()
  }
}

type Found = Omit<SegmentReading, 'totalBytes'>
type Reached = Pick<Found, 'lastSeq' | 'chain' | 'goodBytes' | 'lastFlushAt'>

/** Takes lines that are not blank, without their newline; blank ones before a line are a hole in what was written. */
function segmentFold(path: string, visit: (record: JournalRecord) => void) {
  let header: { readonly first: number; readonly seed: number } | undefined
  /** After the last whole batch, and after the last good line. */
  let whole: Reached = { lastSeq: 0, chain: 0, goodBytes: 0, lastFlushAt: 0 }
  let reached = whole
  /** Lines that are good, of a batch whose last line is still to come. */
  let batch: JournalRecord[] = []
  let bad = false
  let damagedInside = false
  let usedBytes = 0

  const good = (line: Buffer, start: number, end: number): boolean => {
    if (header === undefined) {
      const found = decodeHeader(line)
      if (found === undefined) return false
      if (found.format !== journalFormat) throw foreignFormat(path, found.format)
      header = { first: found.first, seed: found.chain }
      whole = reached = { lastSeq: found.first - 1, chain: found.chain, goodBytes: end, lastFlushAt: 0 }
      return true
    }
    const chain = checkLine(line, reached.chain)
    const decoded = chain === undefined ? undefined : decodeRecord(line)
    if (chain === undefined || decoded?.record.seq !== reached.lastSeq + 1) return false
    const lastFlushAt = decoded.flush ? start : reached.lastFlushAt
    reached = { lastSeq: decoded.record.seq, chain, goodBytes: end, lastFlushAt }
    batch.push(decoded.record)
    if (decoded.more) return true
    for (const record of batch) visit(record)
    batch = []
    whole = reached
    return true
  }

  return {
    line(line: Buffer, start: number, end: number): void {
      const hole = start > usedBytes
      usedBytes = end
      const terminated = end > start + line.length
      if (!bad && !hole && terminated && good(line, start, end)) return
      // Whoever wrote it had seen all before it on the disk, and something of that is bad or missing.
      const flush = flushSeq(line)
      damagedInside ||= flush !== undefined && (bad || flush !== reached.lastSeq + 1)
      bad = true
    },
    found: (): Found | undefined =>
      header === undefined
        ? undefined
        : { ...header, ...whole, badUpTo: Math.max(usedBytes, whole.goodBytes), damagedInside },
  }
}

const pieceBytes = 1_048_576
const newline = 10

/**
 * Visits the lines of a file that are not blank, each without its newline, and with the offsets where it begins and where
 * the next one may; the last may lack its newline. Returns how many bytes were read.
 */
async function eachLine(
  handle: FileHandle,
  upToBytes: number,
  visit: (line: Buffer, start: number, end: number) => void,
): Promise<number> {
  const totalBytes = Math.min(upToBytes, await handle.size())
  let rest = Buffer.alloc(0)
  let position = 0
  while (position < totalBytes) {
    const piece = Buffer.alloc(Math.min(pieceBytes, totalBytes - position))
    const count = await handle.read(piece, position)
    if (count === 0) break
    const start = position - rest.length
    position += count
    const text = rest.length === 0 ? piece.subarray(0, count) : Buffer.concat([rest, piece.subarray(0, count)])
    let at = 0
    for (;;) {
      // The room at the end of a segment is a megabyte of blank lines: no search for each.
      while (text[at] === newline) at += 1
      const end = text.indexOf(newline, at)
      if (end === -1) break
      visit(text.subarray(at, end), start + at, start + end + 1)
      at = end + 1
    }
    rest = text.subarray(at)
  }
  if (rest.length > 0) visit(rest, position - rest.length, position)
  return totalBytes
}

const foreignFormat = (path: string, format: number): VigilError =>
  new VigilError(
    'JOURNAL_DAMAGED',
    `expected the journal segment ${path} in format ${journalFormat}, found format ${format}: open it with the version that wrote it`,
    { details: { segment: path, offset: 0 } },
  )
