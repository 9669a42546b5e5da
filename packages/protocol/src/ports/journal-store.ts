import type { JournalRecord, RecordDraft } from '../records.ts'

/** `durable` starts a flush now; `lazy` rides with the next flush, at the latest 5 ms later. Order is kept. */
export type Urgency = 'durable' | 'lazy'

/** One round of checkpoints: a cache of everything that records up to `seq` say. */
export interface Checkpoint {
  readonly seq: number
  /** Wall time of the round, milliseconds. */
  readonly at: number
  /** One row per process: packed bytes, opaque to the store. */
  readonly rows: ReadonlyMap<string, Uint8Array>
}

/** What opening found and mended. */
export interface OpenReport {
  /** Where the torn end of the last segment was moved, if there was one. */
  readonly tornTail?: { readonly movedTo: string; readonly bytes: number }
}

export interface PageQuery {
  readonly process: string
  readonly limit: number
  /** Which end of what matches a page begins at; default `newest_first`. */
  readonly order?: 'newest_first' | 'oldest_first'
  readonly type?: string
  readonly turn?: string
  /** Only records with a smaller per-process number `n`. */
  readonly before?: number
  /** Only records with a larger per-process number `n`. */
  readonly after?: number
  /** `named`: of large bodies the page may hold the hash; default `whole`. */
  readonly bodies?: 'whole' | 'named'
}

/** Records that were asked for, as far as they can be read. */
export interface JournalPage {
  readonly records: readonly JournalRecord[]
  /** Segments on the way that are damaged: what they held may be missing from `records`. */
  readonly damaged: readonly string[]
}

/** Where a log cannot be read any more. */
export interface JournalDamage {
  readonly segment: string
  /** Of the first bad byte in the segment. */
  readonly offset: number
}

/** Large bodies that a store keeps beside its log, and may take away. */
export interface BodyKeeper {
  /** Of whom it has any. */
  processes(): Promise<string[]>
  /** Removes bodies; returns how many. */
  sweep(sweep: BodySweep): Promise<number>
}

export interface BodySweep {
  /** Whose bodies, and for each process a wall time in milliseconds: what was written later stays. */
  readonly before: ReadonlyMap<string, number>
  /** Called when there is anything to remove: the hashes of all bodies that what is known by now cannot do without. */
  needed(): ReadonlySet<string>
}

/**
 * How much the disk takes. `open`: everything. `reserve`: it is full, and what is appended goes into the room of a file that was
 * given up for it. `exhausted`: that is full, too, and what is appended waits in memory until there is room.
 */
export type SpaceState = 'open' | 'reserve' | 'exhausted'

/** The room that a store has; who appends what nobody was told of yet asks it first. */
export interface JournalSpace {
  readonly state: SpaceState
  /** Calls `listener`, which may not throw, after each change. Returns the way to stop it. */
  onChange(listener: (state: SpaceState) => void): () => void
}

/** The space of a store that has no disk of its own to fill. */
export const endlessSpace: JournalSpace = { state: 'open', onChange: () => () => undefined }

/**
 * The append-only log. A record is given its place (seq, n) when `append` returns and is durable when
 * `durable(seq)` resolves; what is durable is always a prefix. Numbers can be given at once because a log has one writer: a
 * data directory is locked, and in a database who opens a log takes it from the one before. After a failed fsync, a database
 * that stays away or a log that was taken the store stops for good: `append` throws, waiting `durable` calls reject, `failed`
 * resolves. A full disk stops it only when more waits than it can hold.
 */
export interface JournalStore {
  readonly report: OpenReport
  readonly lastSeq: number
  readonly durableSeq: number
  readonly space: JournalSpace
  /**
   * Gives each draft its seq and n, in order, atomically (all or none reach the disk).
   * @throws FENCED when a draft's epoch is older than the newest seen of its process, and after the log was taken
   * @throws JOURNAL_FAILED or DISK_FULL after the store stopped · JOURNAL_CLOSED after close
   */
  append(drafts: readonly RecordDraft[], urgency: Urgency): readonly JournalRecord[]
  /** Resolves when every record up to `seq` is on the disk; starts a flush if none is under way. */
  durable(seq: number): Promise<void>
  /**
   * Calls `listener`, which may not throw, after each flush with the new `durableSeq`, without starting one. Returns the
   * way to stop it.
   */
  onFlush(listener: (durableSeq: number) => void): () => void
  /** Resolves (never rejects) with the reason when the store stopped by itself. */
  readonly failed: Promise<Error>
  /** Visits every durable record with seq > `after` in order; returns how many. */
  replay(after: number, visit: (record: JournalRecord) => void): Promise<number>
  /** Records of one process, down to the oldest that is kept. Damage makes a page shorter, never a failure. */
  page(query: PageQuery): Promise<JournalPage>
  /**
   * The first durable records behind a cursor (the seq of the last record that was seen; 0 begins with the oldest that is
   * kept), in order. Who follows the log asks again after a flush.
   */
  tail(cursor: number, limit: number): Promise<JournalPage>
  /** Calls `listener`, which may not throw, once for each segment that reading finds damaged. Returns the way to stop it. */
  onDamage(listener: (damage: JournalDamage) => void): () => void
  /** Stores a round: whole file, synced, renamed, folder synced; the two newest are kept. */
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>
  /** The newest whole round, of those with a seq smaller than `before` if it is given; undefined when none is kept. */
  loadCheckpoint(before?: number): Promise<Checkpoint | undefined>
  /** Undefined when the store has no bodies beside its records. */
  readonly bodies?: BodyKeeper
  close(): Promise<void>
}
