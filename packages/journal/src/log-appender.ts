import type { Clock, JournalRecord } from '@vigil/protocol'
import { type Appender, appender } from './appender.ts'
import type { Ballast } from './ballast.ts'
import type { BlobStore } from './blob-store.ts'
import type { GrowingSegment } from './growing-segment.ts'
import { type Body, outline } from './line-bodies.ts'
import type { Places } from './places.ts'
import { encodeRecord } from './record-codec.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** The body of a line, and what the index has to know of it. */
interface Line {
  readonly body: string
  readonly length: number
  readonly record: JournalRecord
  readonly large: Body | undefined
}

export interface LogAppenderOptions {
  readonly clock: Clock
  readonly given: Places
  readonly writer: SegmentWriter
  readonly growing: GrowingSegment
  readonly ballast: Ballast
  readonly blobs: BlobStore
}

/** Appends to an open log: large bodies are on the disk before the lines that name them. */
export function logAppender({ clock, given, writer, growing, ballast, blobs }: LogAppenderOptions): Appender {
  return appender<Line>({
    clock,
    given,
    ballast,
    lineOf(record, { data, more }) {
      const { text, body: large } = outline(record, data)
      const body = encodeRecord(record, { data: text, more })
      if (large !== undefined) blobs.named(large)
      return { body, length: body.length + (large?.text.length ?? 0), record, large }
    },
    async write(group, firstSeq) {
      await blobs.write(group.flatMap(({ large }) => large ?? []))
      const written = await writer.write(
        group.map(({ body }) => body),
        firstSeq,
      )
      growing.written(
        written,
        group.map(({ record }) => record),
      )
    },
  })
}
