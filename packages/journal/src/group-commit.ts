import { type Clock, errorCode, type Timer, VigilError } from '@vigil/protocol'
import { diskFailure } from './disk-failure.ts'

/** What a flush is filled with; `length` counts characters. */
interface Measured {
  readonly length: number
}

/**
 * Gathers lines while one flush is under way and writes them with the next: one fdatasync serves everyone. What is
 * durable is always a prefix of whole batches. The first failure is the last: nothing is retried, because after a failed fsync the
 * kernel may have dropped the pages and a second fsync would lie.
 */
export interface GroupCommit<Line extends Measured> {
  readonly durableSeq: number
  readonly failed: Promise<Error>
  /** @throws the reason when the commit has failed or is closed */
  assertOpen(): void
  /** `bodies`: of the lines of one batch, which is never split over two flushes; `seq`: of its last record. */
  add(bodies: readonly Line[], seq: number, urgent: boolean): void
  durable(seq: number): Promise<void>
  onFlush(listener: (durableSeq: number) => void): () => void
  /** Flushes what waits, then takes nothing more. */
  close(): Promise<void>
}

export interface GroupCommitOptions<Line extends Measured> {
  readonly clock: Clock
  readonly durableSeq: number
  /** Writes and syncs lines that begin at `firstSeq`. */
  readonly write: (bodies: readonly Line[], firstSeq: number) => Promise<void>
}

const flushRecords = 512
const flushCharacters = 1_000_000
const lazyMs = 5

interface Waiter {
  readonly upTo: number
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export function groupCommit<Line extends Measured>({
  clock,
  durableSeq,
  write,
}: GroupCommitOptions<Line>): GroupCommit<Line> {
  let waiting: { readonly bodies: readonly Line[]; readonly seq: number }[] = []
  let durable = durableSeq
  let appended = durableSeq
  let flushing = false
  let scheduled = false
  let lazyTimer: Timer | undefined
  let stopped: Error | undefined
  let closing = false
  let waiters: Waiter[] = []
  const failed = Promise.withResolvers<Error>()
  const listeners = new Set<(durableSeq: number) => void>()

  /** As many batches as one flush takes; a larger one travels alone. */
  const take = (): typeof waiting => {
    let characters = 0
    let count = 0
    for (const { bodies, seq } of waiting) {
      for (const body of bodies) characters += body.length
      if (count > 0 && (seq - durable > flushRecords || characters > flushCharacters)) break
      count += 1
    }
    const taken = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return taken
  }

  const flush = async (): Promise<void> => {
    if (flushing || stopped !== undefined || waiting.length === 0) return
    flushing = true
    lazyTimer?.cancel()
    lazyTimer = undefined
    const taken = take()
    try {
      await write(
        taken.flatMap(({ bodies }) => bodies),
        durable + 1,
      )
    } catch (error) {
      stop(error as Error)
      return
    }
    durable = taken.at(-1)?.seq ?? durable
    flushing = false
    settle()
    for (const listener of listeners) listener(durable)
    if (waiting.length > 0) schedule()
  }

  const settle = (): void => {
    const done = waiters.filter((waiter) => waiter.upTo <= durable)
    if (done.length === 0) return
    waiters = waiters.filter((waiter) => waiter.upTo > durable)
    for (const waiter of done) waiter.resolve()
  }

  const stop = (cause: Error): void => {
    const reason = errorCode(cause) === undefined ? diskFailure(cause) : cause
    stopped = reason
    lazyTimer?.cancel()
    for (const waiter of waiters) waiter.reject(reason)
    waiters = []
    failed.resolve(reason)
  }

  /**
   * When every promise that is ready has run: a flush wakes all who waited for it, and what they append next shares one
   * flush. A microtask would fire after the first of them.
   */
  const schedule = (): void => {
    if (scheduled || flushing) return
    scheduled = true
    process.nextTick(() => {
      scheduled = false
      void flush()
    })
  }

  const self: GroupCommit<Line> = {
    get durableSeq() {
      return durable
    },
    failed: failed.promise,
    assertOpen() {
      if (stopped !== undefined) throw stopped
      if (closing) throw closedError()
    },
    add(bodies, seq, urgent) {
      waiting.push({ bodies, seq })
      appended = seq
      if (urgent || seq - durable >= flushRecords) schedule()
      else if (!flushing) lazyTimer ??= clock.setTimer(lazyMs, schedule)
    },
    durable(seq) {
      const upTo = Math.min(seq, appended)
      if (upTo <= durable) return Promise.resolve()
      if (stopped !== undefined) return Promise.reject(stopped)
      schedule()
      const last = waiters[waiters.length - 1]
      if (last !== undefined && last.upTo === upTo) return last.promise
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      promise.catch(() => undefined)
      waiters.push({ upTo, promise, resolve, reject })
      return promise
    },
    onFlush(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closing = true
      lazyTimer?.cancel()
      // A failed journal is closed as it is; its reason was told by `failed`.
      await self.durable(appended).catch(() => undefined)
      stopped ??= closedError()
    },
  }
  return self
}

const closedError = (): VigilError => new VigilError('JOURNAL_CLOSED', 'expected an open journal, found it closed')
