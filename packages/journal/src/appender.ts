import type { JournalRecord, JournalStore } from '@vigil/protocol'
import type { Measured } from './flush-groups.ts'
import { type GroupCommitOptions, groupCommit } from './group-commit.ts'
import { dataTexts, isoClock, type Places } from './places.ts'

/** The writing half of a store: gives places, gathers lines, makes them durable. */
export type Appender = Pick<
  JournalStore,
  'append' | 'durable' | 'onFlush' | 'failed' | 'lastSeq' | 'durableSeq' | 'space' | 'close'
>

export interface AppenderOptions<Line extends Measured> extends Omit<GroupCommitOptions<Line>, 'durableSeq'> {
  /** All that it knows is durable. */
  readonly given: Places
  /** What is written of a record; `data` is the JSON of its data, and `more` says that its batch goes on. */
  readonly lineOf: (record: JournalRecord, text: { readonly data: string; readonly more: boolean }) => Line
}

export function appender<Line extends Measured>({ given, lineOf, ...options }: AppenderOptions<Line>): Appender {
  const commit = groupCommit<Line>({ ...options, durableSeq: given.lastSeq })
  const iso = isoClock(() => options.clock.now())
  return {
    failed: commit.failed,
    space: commit.space,
    get lastSeq() {
      return given.lastSeq
    },
    get durableSeq() {
      return commit.durableSeq
    },
    append(drafts, urgency) {
      commit.assertOpen()
      if (drafts.length === 0) return []
      const texts = dataTexts(drafts)
      const records = given.give(drafts, iso())
      const last = records.length - 1
      const lines = records.map((record, nth) => lineOf(record, { data: texts[nth] as string, more: nth < last }))
      commit.add(lines, given.lastSeq, urgency === 'durable')
      return records
    },
    durable: (seq) => commit.durable(seq),
    onFlush: (listener) => commit.onFlush(listener),
    close: () => commit.close(),
  }
}
