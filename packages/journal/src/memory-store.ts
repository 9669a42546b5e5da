import {
  type Checkpoint,
  type Clock,
  endlessSpace,
  type JournalPage,
  type JournalRecord,
  type JournalStore,
} from '@vigil/protocol'
import { groupCommit } from './group-commit.ts'
import { matches } from './page.ts'
import { dataTexts, isoClock, places } from './places.ts'

/** The log without a disk: same order, same fences, same waiting, gone with the process. */
export function openMemoryStore({ clock }: { readonly clock: Clock }): JournalStore {
  const records: JournalRecord[] = []
  const given = places()
  const iso = isoClock(() => clock.now())
  let newest: Checkpoint | undefined
  const commit = groupCommit({ clock, durableSeq: 0, write: () => Promise.resolve() })

  return {
    report: {},
    failed: commit.failed,
    space: endlessSpace,
    get lastSeq() {
      return given.lastSeq
    },
    get durableSeq() {
      return commit.durableSeq
    },
    append(drafts, urgency) {
      commit.assertOpen()
      if (drafts.length === 0) return []
      const data = dataTexts(drafts)
      const added = given.give(drafts, iso())
      for (const [index, record] of added.entries()) {
        // A copy, as a disk would keep it: what a caller changes later is not what was recorded.
        records.push({ ...record, data: JSON.parse(data[index] as string) })
      }
      commit.add([''], given.lastSeq, urgency === 'durable')
      return added
    },
    durable: (seq) => commit.durable(seq),
    onFlush: (listener) => commit.onFlush(listener),
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
      newest = checkpoint
    },
    async loadCheckpoint() {
      return newest
    },
    close: () => commit.close(),
  }
}

/** Memory has no damage; and what a reader does with its copies is not what was recorded. */
const whole = (records: readonly JournalRecord[]): JournalPage => ({ records: structuredClone(records), damaged: [] })
