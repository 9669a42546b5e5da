import type { JournalRecord, JournalStore, RecordDraft, Urgency } from '@vigil/protocol'
import { applyRecord, type World } from '../fold/world.ts'

/**
 * The only way to change what ring 0 knows: a record is folded when it enters the append queue, in order, and told
 * to observers when it is durable. Nothing else writes to the world.
 */
export interface RecordLog {
  readonly world: World
  readonly journal: JournalStore
  /** Appends and folds now; the last record's `seq` is what `durable` waits for. */
  commit(drafts: readonly RecordDraft[], urgency?: Urgency): readonly JournalRecord[]
  /** Appends, folds, and resolves when all of it is on the disk. */
  commitDurably(drafts: readonly RecordDraft[]): Promise<readonly JournalRecord[]>
  /** Waits for everything that has been appended: before people read a fold. */
  settled(): Promise<void>
  /** Called for each record once it is durable, in order. Returns the way to stop it. */
  observe(observer: (record: JournalRecord) => void): () => void
}

export function recordLog(journal: JournalStore, world: World): RecordLog {
  const observers = new Set<(record: JournalRecord) => void>()
  let untold: JournalRecord[] = []

  journal.onFlush((durableSeq) => {
    const next = untold.findIndex((record) => record.seq > durableSeq)
    const durable = next === -1 ? untold : untold.slice(0, next)
    untold = next === -1 ? [] : untold.slice(next)
    for (const record of durable) for (const observer of observers) observer(record)
  })

  const commit: RecordLog['commit'] = (drafts, urgency = 'durable') => {
    const records = journal.append(drafts, urgency)
    for (const record of records) applyRecord(world, record)
    if (observers.size > 0) untold.push(...records)
    return records
  }

  return {
    world,
    journal,
    commit,
    async commitDurably(drafts) {
      const records = commit(drafts)
      await journal.durable(records[records.length - 1]?.seq ?? 0)
      return records
    },
    settled: () => journal.durable(journal.lastSeq),
    observe(observer) {
      observers.add(observer)
      return () => observers.delete(observer)
    },
  }
}
