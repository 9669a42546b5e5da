import type { FileSystem } from '@vigil/protocol'
import { headerChain, longestHeader } from '../record-codec.ts'
import { type ProvableLines, type ProvenLine, provableLines } from './provable-lines.ts'

/** A damaged segment, and what of it can be read. */
export interface ExaminedSegment {
  readonly lines: readonly ProvenLine[]
  /** Seq of its last record, when it will be repaired. */
  readonly upTo: number
  /** The crc that the segment behind it continues, if there is one. */
  readonly nextChain: number | undefined
}

/** No line is shorter: so many bytes cannot have held more records. */
const shortestLine = 80

export async function examineSegment(
  fileSystem: FileSystem,
  path: string,
  around: {
    readonly first: number
    /** Undefined for the segment that grew. */
    readonly last: number | undefined
    readonly chain: number | undefined
    readonly nextPath: string | undefined
    /** Up to where the log was once durable. */
    readonly least: number
  },
): Promise<ExaminedSegment> {
  const { first, last, chain, nextPath, least } = around
  const bytes = Buffer.from((await fileSystem.stat(path)) === undefined ? [] : await fileSystem.readFile(path))
  const nextChain = nextPath === undefined ? undefined : await chainAt(fileSystem, nextPath)
  const found = provableLines(bytes, { first, last: last ?? Number.POSITIVE_INFINITY, chain, nextChain })
  if (last !== undefined) return { lines: found.lines, upTo: last, nextChain }
  const upTo = mostSeq(found, { first, least })
  const lines = upTo === found.lines.at(-1)?.place.seq ? wholeBatches(found) : found.lines
  return { lines, upTo: lines === found.lines ? upTo : (lines.at(-1)?.place.seq ?? first - 1), nextChain }
}

/** Nothing says how many records stood in the last bytes of a log, but there is a most. */
function mostSeq({ lines, rest }: ProvableLines, { first, least }: { first: number; least: number }): number {
  const read = lines.at(-1)?.place.seq ?? first - 1
  return Math.max(read + Math.ceil(rest / shortestLine), least)
}

/** A batch whose end was never written does not count: nobody was told of it. */
const wholeBatches = ({ lines }: ProvableLines): readonly ProvenLine[] =>
  lines.slice(0, lines.findLastIndex(({ place }) => !place.more) + 1)

async function chainAt(fileSystem: FileSystem, path: string): Promise<number | undefined> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const begin = Buffer.alloc(longestHeader)
    const count = await handle.read(begin, 0)
    return headerChain(begin.subarray(0, Math.max(0, begin.subarray(0, count).indexOf(10))))
  } finally {
    await handle.close()
  }
}
