import { type Clock, errorCode, type JournalSpace, type Timer, VigilError } from '@vigil/protocol'
import { type Ballast, noBallast } from './ballast.ts'
import { diskFailure, isDiskFull } from './disk-failure.ts'
import { afterDiskNews, type DiskNews, type DiskStep } from './disk-space.ts'
import { type FlushGroup, flushGroups, type Measured } from './flush-groups.ts'
import { spaceState } from './space-state.ts'

/**
 * Gathers lines while one flush is under way and writes them with the next: one fdatasync serves everyone. What is
 * durable is always a prefix of whole batches. A disk that is full is waited for; any other failure is the last: nothing is
 * retried, because after a failed fsync the kernel may have dropped the pages and a second fsync would lie.
 */
export interface GroupCommit<Line extends Measured> {
  readonly durableSeq: number
  readonly space: JournalSpace
  readonly failed: Promise<Error>
  /** @throws the reason when the commit has failed or is closed */
  assertOpen(): void
  /** `lines`: of one batch, which is never split over two flushes; `seq`: of its last record. */
  add(lines: readonly Line[], seq: number, urgent: boolean): void
  durable(seq: number): Promise<void>
  onFlush(listener: (durableSeq: number) => void): () => void
  /** Flushes what waits, then takes nothing more; a disk that is full is waited for no longer. */
  close(): Promise<void>
}

export interface GroupCommitOptions<Line extends Measured> {
  readonly clock: Clock
  readonly durableSeq: number
  /** Writes and syncs lines that begin at `firstSeq`; on a full disk it rejects, and leaves nothing of them behind. */
  readonly write: (lines: readonly Line[], firstSeq: number) => Promise<void>
  readonly ballast?: Ballast
  /** Characters that may wait for a disk that takes nothing at all; default 64 million. */
  readonly mostHeld?: number
}

const lazyMs = 5
const lookMs = 5_000

export function groupCommit<Line extends Measured>(options: GroupCommitOptions<Line>): GroupCommit<Line> {
  const { clock, write, ballast = noBallast, mostHeld = 64_000_000 } = options
  const groups = flushGroups<Line>()
  let flushed: FlushGroup<Line> | undefined
  let durable = options.durableSeq
  let appended = durable
  let busy = false
  let scheduled = false
  let lookIsDue = false
  let lazyTimer: Timer | undefined
  let lookTimer: Timer | undefined
  let stopped: Error | undefined
  let closing = false
  const space = spaceState()
  const failed = Promise.withResolvers<Error>()
  const listeners = new Set<(durableSeq: number) => void>()

  const flush = async (): Promise<DiskNews> => {
    const group = groups.take()
    if (group === undefined) return 'flushed'
    try {
      await write(group.lines, durable + 1)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      groups.putBack()
      if (space.state !== 'open' && closing) throw error
      return 'full'
    }
    groups.written()
    durable = group.lastSeq
    flushed = group
    for (const listener of listeners) listener(durable)
    return 'flushed'
  }

  /** Those who waited for the last flush go on. */
  const wake = (): void => {
    flushed?.done.resolve()
    flushed = undefined
  }

  const perform = async (step: Exclude<DiskStep, 'rest'>): Promise<DiskNews> => {
    if (step === 'flush') return flush()
    if (step === 'make_ballast') return (await ballast.make()) ? 'ballast_made' : 'ballast_refused'
    await ballast.giveUp()
    return 'ballast_given_up'
  }

  /**
   * One thing at a time on the disk. When a whole group waits, it is on its way to the disk before those of the group before it
   * are woken: what they do next takes the time of its sync. Otherwise they are woken first, and share the next flush.
   */
  const work = async (first: DiskStep): Promise<void> => {
    busy = true
    try {
      for (let step = first; step !== 'rest'; ) {
        const working = perform(step)
        wake()
        const next = afterDiskNews(space.state, await working)
        space.become(next.space)
        step = next.step === 'rest' && space.state === 'open' && groups.isFull ? 'flush' : next.step
      }
    } catch (error) {
      return stop(error as Error)
    }
    busy = false
    lookLater()
    if (lookIsDue) look()
    else if (!groups.isEmpty) schedule()
    wake()
  }

  const look = (): void => {
    lookIsDue = busy
    if (busy || stopped !== undefined) return
    void work(afterDiskNews(space.state, 'look').step)
  }

  const lookLater = (): void => {
    if (space.state === 'open' || closing) return
    lookTimer ??= clock.setTimer(lookMs, () => {
      lookTimer = undefined
      look()
    })
  }

  const stop = (cause: Error): void => {
    const reason = errorCode(cause) === undefined ? diskFailure(cause) : cause
    stopped = reason
    lazyTimer?.cancel()
    lookTimer?.cancel()
    wake()
    for (const { done } of groups.all()) done.reject(reason)
    failed.resolve(reason)
  }

  /**
   * When every promise that is ready has run: a flush wakes all who waited for it, and what they append next shares one
   * flush. A microtask would fire after the first of them.
   */
  const schedule = (): void => {
    if (scheduled || busy || space.state === 'exhausted') return
    scheduled = true
    process.nextTick(() => {
      scheduled = false
      if (busy || stopped !== undefined || groups.isEmpty) return
      lazyTimer?.cancel()
      lazyTimer = undefined
      void work('flush')
    })
  }

  const self: GroupCommit<Line> = {
    get durableSeq() {
      return durable
    },
    space,
    failed: failed.promise,
    assertOpen() {
      if (stopped !== undefined) throw stopped
      if (closing) throw closedError()
    },
    add(lines, seq, urgent) {
      groups.add(lines, seq)
      appended = seq
      if (space.state === 'exhausted' && groups.held > mostHeld) return stop(tooMuchHeld())
      if (urgent || groups.isFull) schedule()
      else if (!busy) lazyTimer ??= clock.setTimer(lazyMs, schedule)
    },
    durable(seq) {
      const upTo = Math.min(seq, appended)
      if (upTo <= durable) return Promise.resolve()
      if (stopped !== undefined) return Promise.reject(stopped)
      schedule()
      return groups.of(upTo)?.done.promise ?? Promise.resolve()
    },
    onFlush(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closing = true
      lazyTimer?.cancel()
      lookTimer?.cancel()
      if (space.state === 'exhausted') look()
      // A failed journal is closed as it is; its reason was told by `failed`.
      await self.durable(appended).catch(() => undefined)
      stopped ??= closedError()
    },
  }
  return self
}

const closedError = (): VigilError => new VigilError('JOURNAL_CLOSED', 'expected an open journal, found it closed')

const tooMuchHeld = (): NodeJS.ErrnoException =>
  Object.assign(new Error('ENOSPC: no room on the disk, and none left in memory for what waits for it'), {
    code: 'ENOSPC',
  })
