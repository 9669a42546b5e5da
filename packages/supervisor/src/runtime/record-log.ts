import { type JournalRecord, type JournalStore, type RecordDraft, type Urgency, VigilError } from '@vigil/protocol'
import { touched } from '../fold/touched.ts'
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
  /**
   * Appends, folds, and resolves when all of it is on the disk: for those outside who wait for the answer.
   * @throws DISK_FULL, and nothing was appended, when it is something new and there is no room
   */
  commitDurably(drafts: readonly RecordDraft[]): Promise<readonly JournalRecord[]>
  /** @throws DISK_FULL while nothing new is taken */
  assertRoom(): void
  /**
   * Waits for everything that has been appended: before people read a fold.
   * @throws DISK_FULL when the disk takes nothing, so that nobody knows how long that would be
   */
  settled(): Promise<void>
  /** Processes that records have changed; whoever packs one takes it out. */
  readonly changed: Set<string>
  /** Called for each record once it is durable, in order. Returns the way to stop it. */
  observe(observer: (record: JournalRecord) => void): () => void
}

export interface RecordLogParts {
  readonly journal: JournalStore
  readonly world: World
  readonly changed?: Set<string>
  /** What of a record may be folded and written. */
  readonly clean?: (draft: RecordDraft) => RecordDraft
}

export function recordLog({
  journal,
  world,
  changed = new Set(),
  clean = (draft) => draft,
}: RecordLogParts): RecordLog {
  const { space } = journal
  const observers = new Set<(record: JournalRecord) => void>()
  let untold: JournalRecord[] = []

  journal.onFlush((durableSeq) => {
    const next = untold.findIndex((record) => record.seq > durableSeq)
    const durable = next === -1 ? untold : untold.slice(0, next)
    untold = next === -1 ? [] : untold.slice(next)
    for (const record of durable) for (const observer of observers) observer(record)
  })

  const commit: RecordLog['commit'] = (drafts, urgency = 'durable') => {
    const records = journal.append(drafts.map(clean), urgency)
    for (const record of records) {
      applyRecord(world, record)
      for (const name of touched(world, record)) changed.add(name)
    }
    if (observers.size > 0) untold.push(...records)
    return records
  }

  /** Who waits only to see, and need not wait for room. */
  const onlookers = new Set<(error: VigilError) => void>()
  space.onChange((state) => {
    if (state !== 'exhausted') return
    for (const refuse of onlookers) refuse(noRoom())
    onlookers.clear()
  })

  const assertRoom = (): void => {
    if (space.state !== 'open') throw noRoom()
  }

  return {
    world,
    journal,
    changed,
    commit,
    assertRoom,
    async commitDurably(drafts) {
      // A wish about what runs is heard as long as it can be recorded: to stop something may be what makes room.
      if (space.state === 'exhausted' || !drafts.every(({ type }) => type === 'process.desired')) assertRoom()
      const records = commit(drafts)
      await journal.durable(records[records.length - 1]?.seq ?? 0)
      return records
    },
    async settled() {
      if (space.state === 'exhausted') throw noRoom()
      const { promise, reject } = Promise.withResolvers<never>()
      onlookers.add(reject)
      await Promise.race([promise, journal.durable(journal.lastSeq)]).finally(() => onlookers.delete(reject))
    },
    observe(observer) {
      observers.add(observer)
      return () => observers.delete(observer)
    },
  }
}

const noRoom = (): VigilError =>
  new VigilError('DISK_FULL', 'expected room on the disk of the data directory, found it full; nothing new is taken')
