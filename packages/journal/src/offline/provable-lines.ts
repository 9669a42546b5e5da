import { chainAtEnd, checkLine, headerChain, type SaidPlace, saidPlace, sealAgain } from '../record-codec.ts'

/** The lines of a damaged segment that can still prove themselves. Pure. */
export interface ProvableLines {
  /** By seq, each once. */
  readonly lines: readonly ProvenLine[]
  /** Bytes behind the last of the lines that are not blank. */
  readonly rest: number
}

export interface ProvenLine {
  readonly place: SaidPlace
  /** The crc that it continues: of the line before it, as that was written. */
  readonly seed: number
  readonly crc: number
  /** Without its newline. */
  readonly line: Buffer
}

export interface Surroundings {
  /** Seq of the first and the last record that belong into the segment. */
  readonly first: number
  readonly last: number
  /** Last crc of the segment before, and the one that the segment behind continues. */
  readonly chain: number | undefined
  readonly nextChain: number | undefined
}

interface Piece {
  readonly line: Buffer
  readonly end: number
  readonly place: SaidPlace | undefined
  /** The crc of the piece that stands before it. */
  readonly before: number
}

/**
 * A line proves itself by the crc of the one before it. That crc may be known though its line is lost: the last digits of
 * a damaged line, or a line of the seq before that stands elsewhere.
 */
export function provableLines(bytes: Buffer, { first, last, chain, nextChain }: Surroundings): ProvableLines {
  const { pieces, seed, headerEnd } = piecesOf(bytes)
  const bySeq = Map.groupBy(pieces, ({ place }) => place?.seq)
  const starts = [chain, seed].filter((each) => each !== undefined)
  const lines: ProvenLine[] = []
  let end = headerEnd
  for (const seq of [...bySeq.keys()].filter((each) => each !== undefined).sort((a, b) => a - b)) {
    if (seq < first || seq > last) continue
    const previous = lines.at(-1)
    const known = seq === first ? starts : previous?.place.seq === seq - 1 ? [previous.crc] : []
    const claims = (bySeq.get(seq - 1) ?? []).map(({ line }) => chainAtEnd(line))
    const continued = (crc: number): boolean =>
      (seq === last && crc === nextChain) ||
      (bySeq.get(seq + 1) ?? []).some(({ line }) => checkLine(line, crc) !== undefined)
    for (const piece of bySeq.get(seq) ?? []) {
      const proof = proven(piece.line, [...known, piece.before, ...claims]) ?? mended(piece.line, known, continued)
      if (proof === undefined) continue
      lines.push({ place: piece.place as SaidPlace, ...proof })
      end = Math.max(end, piece.end)
      break
    }
  }
  return { lines, rest: Math.max(0, (pieces.at(-1)?.end ?? 0) - end) }
}

type Proof = Omit<ProvenLine, 'place'>

function proven(line: Buffer, seeds: readonly number[]): Proof | undefined {
  for (const seed of seeds) {
    const crc = checkLine(line, seed)
    if (crc !== undefined) return { seed, crc, line }
  }
  return undefined
}

/** Only its crc is damaged: the one that it deserves is what the line behind it continues. */
function mended(line: Buffer, seeds: readonly number[], continued: (crc: number) => boolean): Proof | undefined {
  for (const seed of seeds) {
    const { text, crc } = sealAgain(line, seed)
    if (continued(crc)) return { seed, crc, line: Buffer.from(text.slice(0, -1)) }
  }
  return undefined
}

function piecesOf(bytes: Buffer) {
  const pieces: Piece[] = []
  let seed: number | undefined
  let headerEnd = 0
  let before = Number.NaN
  for (const { line, start, end } of splitLines(bytes)) {
    const header = start === 0 ? headerChain(line) : undefined
    if (header === undefined) pieces.push({ line, end, place: saidPlace(line), before })
    else [seed, headerEnd] = [header, end]
    before = header ?? chainAtEnd(line)
  }
  return { pieces, seed, headerEnd }
}

const newline = Buffer.from('\n')
const opens = Buffer.from('{"seq":')

/** Lines that are not blank; where only the newline between two is damaged, they are two all the same. */
function* splitLines(
  bytes: Buffer,
): Generator<{ readonly line: Buffer; readonly start: number; readonly end: number }> {
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf(newline, at)
    const end = lineEnd === -1 ? bytes.length : lineEnd
    for (let start = at; start < end; ) {
      const next = bytes.indexOf(opens, start + 1)
      const isJoined = next !== -1 && next < end && bytes.toString('latin1', next - 3, next - 1) === '"}'
      const pieceEnd = isJoined ? next - 1 : end
      yield { line: bytes.subarray(start, pieceEnd), start, end: Math.min(pieceEnd + 1, bytes.length) }
      start = isJoined ? next : end
    }
    at = end + 1
  }
}
