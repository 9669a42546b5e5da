import type { Clock, JournalStore } from '@vigil/protocol'
import { groupCommit } from './group-commit.ts'
import type { LogEnd } from './log-reader.ts'
import { dataTexts, isoClock, type Places } from './places.ts'
import { encodeRecord } from './record-codec.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** The writing half of an open log: gives places, gathers lines, makes them durable. */
export interface LogAppender
  extends Pick<JournalStore, 'append' | 'durable' | 'onFlush' | 'failed' | 'durableSeq' | 'close'> {
  readonly end: LogEnd
}

export function logAppender({
  clock,
  given,
  writer,
}: {
  readonly clock: Clock
  readonly given: Places
  readonly writer: SegmentWriter
}): LogAppender {
  const commit = groupCommit({
    clock,
    durableSeq: given.lastSeq,
    write: (bodies: readonly string[], firstSeq) => writer.write(bodies, firstSeq),
  })
  const iso = isoClock(() => clock.now())
  return {
    failed: commit.failed,
    get durableSeq() {
      return commit.durableSeq
    },
    get end() {
      return { seq: commit.durableSeq, ...writer.durable }
    },
    append(drafts, urgency) {
      commit.assertOpen()
      if (drafts.length === 0) return []
      const data = dataTexts(drafts)
      const records = given.give(drafts, iso())
      const last = records.length - 1
      const bodies = records.map((record, index) =>
        encodeRecord(record, { data: data[index] as string, more: index < last }),
      )
      commit.add(bodies, given.lastSeq, urgency === 'durable')
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
