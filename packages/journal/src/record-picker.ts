import type { FileHandle, JournalRecord } from '@vigil/protocol'
import { chainBefore, chainBeforeBytes, checkLine, decodeHeader, decodeRecord } from './record-codec.ts'
import type { Columns, SegmentIndex } from './segment-index.ts'

/** Lines that stand closer than this are read with one call. */
const gapBytes = 16_384
const spanBytes = 1_048_576

interface Pick {
  readonly index: SegmentIndex
  readonly columns: Columns
  readonly ordinals: readonly number[]
}

interface Span {
  from: number
  to: number
  readonly lines: [start: number, end: number][]
}

/**
 * The records at these ordinals, oldest first. Each line is checked against the crc of the line before it, so one that was
 * changed or is not where the index says is never taken: the answer is then undefined.
 */
export async function pickRecords(handle: FileHandle, pick: Pick): Promise<JournalRecord[] | undefined> {
  const records: JournalRecord[] = []
  for (const { from, to, lines } of spansOf(pick)) {
    const bytes = Buffer.allocUnsafe(to - from)
    if ((await handle.read(bytes, from)) !== bytes.length) return undefined
    for (const [start, end] of lines) {
      // The first line goes on where the segment before ended, as the header says.
      const chain = from === 0 && start === lines[0]?.[0] ? headerChain(bytes, start) : chainBefore(bytes, start - from)
      const line = bytes.subarray(start - from, end - from - 1)
      const decoded = checkLine(line, chain) === undefined ? undefined : decodeRecord(line)
      if (decoded === undefined) return undefined
      records.push(decoded.record)
    }
  }
  return records
}

const headerChain = (bytes: Buffer, end: number): number =>
  decodeHeader(bytes.subarray(0, end - 1))?.chain ?? Number.NaN

function spansOf({ index, columns: { offsets }, ordinals }: Pick): Span[] {
  const spans: Span[] = []
  for (const ordinal of ordinals.toSorted((a, b) => a - b)) {
    const start = offsets[ordinal] as number
    const end = ordinal + 1 < index.count ? (offsets[ordinal + 1] as number) : index.bytes
    const last = spans.at(-1)
    if (last !== undefined && start - last.to <= gapBytes && end - last.from <= spanBytes) {
      last.to = end
      last.lines.push([start, end])
    } else spans.push({ from: ordinal === 0 ? 0 : start - chainBeforeBytes, to: end, lines: [[start, end]] })
  }
  return spans
}
