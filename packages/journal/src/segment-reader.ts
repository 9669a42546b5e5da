import { type FileSystem, type JournalRecord, VigilError } from '@vigil/protocol'
import { eachLine } from './file-lines.ts'
import { type LineHead, lineHead } from './line-head.ts'
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

export interface ReadOptions {
  /** Called for each record of a whole batch, with the offsets at which its line begins and the next one does. */
  readonly visit?: (record: JournalRecord, start: number, end: number) => void
  /** Records up to this one are not parsed: their lines are checked, and only `passed` hears of them. */
  readonly after?: number
  /** Called for each record of a whole batch that is not parsed. */
  readonly passed?: (head: LineHead, start: number, end: number) => void
  /** Waited for after each piece of a segment that was read, before the next is. */
  readonly pieceRead?: () => Promise<void>
  /** Where to stop, while somebody writes behind it. */
  readonly upToBytes?: number
  /** Begins behind a line that was read before and is known to be good. */
  readonly from?: Beginning | undefined
}

export interface Beginning {
  readonly first: number
  readonly lastSeq: number
  readonly chain: number
  readonly offset: number
}

/**
 * Reads a segment in pieces and checks every line. Undefined when not even the header is whole: a segment whose creation
 * was cut short.
 */
export async function readSegment(
  fileSystem: FileSystem,
  path: string,
  options: ReadOptions = {},
): Promise<SegmentReading | undefined> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const fold = segmentFold(path, options)
    const range = { from: options.from?.offset ?? 0, upTo: options.upToBytes ?? Number.POSITIVE_INFINITY }
    const totalBytes = await eachLine(handle, range, fold.line, options.pieceRead)
    const found = fold.found()
    return found === undefined ? undefined : { ...found, totalBytes }
  } finally {
    await handle.close()
  }
}

/** A good line of a batch whose last line may be still to come: its record, or the head alone. */
interface Opened {
  readonly mark: Pick<LineHead, 'seq' | 'more' | 'flush'>
  readonly said: { readonly head: LineHead } | { readonly record: JournalRecord }
  readonly start: number
  readonly end: number
}

type Found = Omit<SegmentReading, 'totalBytes'>
type Reached = Pick<Found, 'lastSeq' | 'chain' | 'goodBytes' | 'lastFlushAt'>

/** Takes lines that are not blank, without their newline; blank ones before a line are a hole in what was written. */
function segmentFold(path: string, { visit, passed, after = 0, from }: ReadOptions) {
  let header: { readonly first: number; readonly seed: number } | undefined =
    from === undefined ? undefined : { first: from.first, seed: 0 }
  /** After the last whole batch, and after the last good line. */
  let whole: Reached = {
    lastSeq: from?.lastSeq ?? 0,
    chain: from?.chain ?? 0,
    goodBytes: from?.offset ?? 0,
    lastFlushAt: 0,
  }
  let reached = whole
  let batch: Opened[] = []
  let bad = false
  let damagedInside = false
  let usedBytes = whole.goodBytes

  /** What a line holds; undefined when it cannot be read. */
  const opened = (line: Buffer, start: number, end: number): Opened | undefined => {
    const isPassed = reached.lastSeq < after
    const head = isPassed ? lineHead(line) : undefined
    if (head !== undefined) return { mark: head, said: { head }, start, end }
    const decoded = decodeRecord(line)
    if (decoded === undefined) return undefined
    const { record, more, flush } = decoded
    const mark = { seq: record.seq, more, flush }
    return { mark, said: isPassed ? { head: { ...record, ...mark } } : { record }, start, end }
  }

  const tell = ({ said, start, end }: Opened): void =>
    'head' in said ? passed?.(said.head, start, end) : visit?.(said.record, start, end)

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
    const found = chain === undefined ? undefined : opened(line, start, end)
    if (chain === undefined || found?.mark.seq !== reached.lastSeq + 1) return false
    const { seq, more, flush } = found.mark
    reached = { lastSeq: seq, chain, goodBytes: end, lastFlushAt: flush ? start : reached.lastFlushAt }
    batch.push(found)
    if (more) return true
    for (const each of batch) tell(each)
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

const foreignFormat = (path: string, format: number): VigilError =>
  new VigilError(
    'JOURNAL_DAMAGED',
    `expected the journal segment ${path} in format ${journalFormat}, found format ${format}: open it with the version that wrote it`,
    { details: { segment: path, offset: 0 } },
  )
