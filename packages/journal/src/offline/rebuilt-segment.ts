import type { JournalRecord } from '@vigil/protocol'
import { encodeHeader, encodeRecord, seal, sealAgain } from '../record-codec.ts'
import type { Owner } from './lost-places.ts'
import type { ProvenLine } from './provable-lines.ts'
import { saltedLine } from './salted-line.ts'

export interface RebuiltSegment {
  readonly bytes: Buffer
  /** Last crc, which the segment behind has to continue. */
  readonly chain: number
}

/**
 * A segment as any other, of the lines that prove themselves, byte for byte as they were, and of a record in each place that
 * is lost. The last of these makes the crc that the line behind it continues. Pure.
 */
export function rebuiltSegment(options: {
  readonly first: number
  /** Seq of its last record. */
  readonly upTo: number
  readonly lines: readonly ProvenLine[]
  readonly chain: number
  /** What the segment behind continues, if there is one. */
  readonly nextChain: number | undefined
  readonly owners: ReadonlyMap<number, Owner>
}): RebuiltSegment {
  const { first, upTo, lines, nextChain, owners } = options
  const header = encodeHeader(first, options.chain)
  const texts: (string | Buffer)[] = [header.text]
  let { chain } = options
  let seq = first
  let at = lines[0]?.place.at ?? new Date(0).toISOString()

  const fill = (to: number, target: number | undefined): void => {
    for (; seq < to; seq += 1) {
      const record = { ...(owners.get(seq) as Owner), seq, at, type: 'journal.record_lost' } as JournalRecord
      const body = (salt: string): string => encodeRecord(record, { data: JSON.stringify({ salt }), more: false })
      const isJoint = seq === to - 1 && target !== undefined
      const line = isJoint
        ? saltedLine(body, chain, target)
        : seal(encodeRecord(record, { data: '{}', more: false }), chain)
      texts.push(line.text)
      chain = line.crc
    }
  }
  for (const { place, seed, crc, line } of lines) {
    fill(place.seq, seed)
    const resealed = chain === seed ? undefined : sealAgain(line, chain)
    texts.push(resealed?.text ?? Buffer.concat([line, newline]))
    chain = resealed?.crc ?? crc
    at = place.at
    seq += 1
  }
  fill(upTo + 1, nextChain)
  return { bytes: Buffer.concat(texts.map((text) => Buffer.from(text))), chain }
}

const newline = Buffer.from('\n')
