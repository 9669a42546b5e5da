import {
  type Checkpoint,
  type Clock,
  endlessSpace,
  type JournalPage,
  type JournalRecord,
  type JournalStore,
} from '@vigil/protocol'
import { appender } from './appender.ts'
import { matches } from './page.ts'
import { places } from './places.ts'

/** The log without a disk: same order, same fences, same waiting, gone with the process. */
export function openMemoryStore({ clock }: { readonly clock: Clock }): JournalStore {
  const records: JournalRecord[] = []
  /** Newest first. */
  let rounds: Checkpoint[] = []
  const commit = appender<string>({
    clock,
    given: places(),
    lineOf(record, { data }) {
      // A copy, as a disk would keep it: what a caller changes later is not what was recorded.
      records.push({ ...record, data: JSON.parse(data) })
      return data
    },
    write: () => Promise.resolve(),
  })

  return {
    report: {},
    failed: commit.failed,
    space: endlessSpace,
    get lastSeq() {
      return commit.lastSeq
    },
    get durableSeq() {
      return commit.durableSeq
    },
    append: commit.append,
    durable: commit.durable,
    onFlush: commit.onFlush,
    async replay(after, visit) {
      const read = records.filter((record) => record.seq > after && record.seq <= commit.durableSeq)
      for (const record of read) visit(structuredClone(record))
      return read.length
    },
    async page(query) {
      const durable = records.slice(0, commit.durableSeq)
      const ordered = query.order === 'oldest_first' ? durable : durable.reverse()
      return whole(ordered.filter((record) => matches(record, query)).slice(0, query.limit))
    },
    tail: async (cursor, limit) => whole(records.slice(cursor, Math.min(cursor + limit, commit.durableSeq))),
    onDamage: () => () => undefined,
    async saveCheckpoint(checkpoint) {
      rounds = [checkpoint, ...rounds].slice(0, 2)
    },
    async loadCheckpoint(before = Number.POSITIVE_INFINITY) {
      return rounds.find(({ seq }) => seq < before)
    },
    close: () => commit.close(),
  }
}

/** Memory has no damage; and what a reader does with its copies is not what was recorded. */
const whole = (records: readonly JournalRecord[]): JournalPage => ({ records: structuredClone(records), damaged: [] })
