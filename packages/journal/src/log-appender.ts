import type { Clock, JournalRecord, JournalStore } from '@vigil/protocol'
import type { Ballast } from './ballast.ts'
import type { BlobStore } from './blob-store.ts'
import { groupCommit } from './group-commit.ts'
import type { GrowingSegment } from './growing-segment.ts'
import { type Body, outline } from './line-bodies.ts'
import { dataTexts, isoClock, type Places } from './places.ts'
import { encodeRecord } from './record-codec.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** The writing half of an open log: gives places, gathers lines, makes them durable. */
export type LogAppender = Pick<
  JournalStore,
  'append' | 'durable' | 'onFlush' | 'failed' | 'durableSeq' | 'space' | 'close'
>

/** The body of a line, and what the index has to know of it. */
interface Line {
  readonly body: string
  readonly length: number
  readonly record: JournalRecord
  readonly large: Body | undefined
}

export function logAppender({
  clock,
  given,
  writer,
  growing,
  ballast,
  blobs,
}: {
  readonly clock: Clock
  readonly given: Places
  readonly writer: SegmentWriter
  readonly growing: GrowingSegment
  readonly ballast: Ballast
  readonly blobs: BlobStore
}): LogAppender {
  const commit = groupCommit({
    clock,
    durableSeq: given.lastSeq,
    ballast,
    async write(lines: readonly Line[], firstSeq) {
      await blobs.write(lines.flatMap(({ large }) => large ?? []))
      const written = await writer.write(
        lines.map(({ body }) => body),
        firstSeq,
      )
      growing.written(
        written,
        lines.map(({ record }) => record),
      )
    },
  })
  const iso = isoClock(() => clock.now())
  return {
    failed: commit.failed,
    space: commit.space,
    get durableSeq() {
      return commit.durableSeq
    },
    append(drafts, urgency) {
      commit.assertOpen()
      if (drafts.length === 0) return []
      const texts = dataTexts(drafts)
      const records = given.give(drafts, iso())
      const last = records.length - 1
      const lines = records.map((record, index): Line => {
        const { text, body: large } = outline(record, texts[index] as string)
        const body = encodeRecord(record, { data: text, more: index < last })
        if (large !== undefined) blobs.named(large)
        return { body, length: body.length + (large?.text.length ?? 0), record, large }
      })
      commit.add(lines, given.lastSeq, urgency === 'durable')
      return records
    },
    durable: (seq) => commit.durable(seq),
    onFlush: (listener) => commit.onFlush(listener),
    async close() {
      await commit.close()
      await writer.close()
    },
  }
}
