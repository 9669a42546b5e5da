import { isGone } from '@vigil/journal'
import { type Clock, eventsOf, type JournalRecord, type Json, type PageQuery, VigilError } from '@vigil/protocol'
import { turnOf } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { TurnResult } from '../surface.ts'

export interface WaitOptions {
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Answers `how did this event end?`, for events that are open and for those that ended before the question.
 * Rejects with BODY_GONE when the result was large and has been taken away.
 */
export interface Results {
  of(process: string, eventId: string, options?: WaitOptions): Promise<TurnResult>
  /** Whoever waits is told that it was in vain. */
  close(): void
}

/** A turn has the name of its first event; who asks for another of its batch finds it among so many of the newest ends. */
const batchesLookedAt = 1_000

interface Waiter {
  readonly resolve: (result: TurnResult) => void
  readonly reject: (error: VigilError) => void
}

export function turnResults(log: RecordLog, clock: Clock): Results {
  const waiting = new Map<string, Set<Waiter>>()
  const slot = (process: string, turn: string | undefined): string => `${process} ${turn}`

  /** Nobody will end what is gone. */
  const removed = (process: string): void => {
    for (const [key, waiters] of waiting) {
      if (!key.startsWith(`${process} `)) continue
      for (const waiter of waiters)
        waiter.reject(new VigilError('PROCESS_NOT_FOUND', `"${process}" was removed before its turn ended`))
      waiting.delete(key)
    }
  }

  const unobserve = log.observe((record) => {
    if (record.type === 'process.removed') return removed(record.process)
    const result = resultOf(record)
    if (result === undefined) return
    for (const eventId of endedBy(record)) {
      const key = slot(record.process, turnOf(eventId))
      for (const waiter of waiting.get(key) ?? []) waiter.resolve(result)
      waiting.delete(key)
    }
  })

  const wait = (key: string, eventId: string, { timeout, signal }: WaitOptions): Promise<TurnResult> =>
    new Promise((resolve, reject) => {
      const waiters = waiting.get(key) ?? new Set()
      waiting.set(key, waiters)
      const finish = (settle: () => void): void => {
        timer?.cancel()
        signal?.removeEventListener('abort', aborted)
        waiters.delete(waiter)
        settle()
      }
      const waiter: Waiter = {
        resolve: (result) => finish(() => resolve(result)),
        reject: (error) => finish(() => reject(error)),
      }
      const aborted = (): void =>
        waiter.reject(new VigilError('ABORTED', `the wait for event ${eventId} was aborted; its turn goes on`))
      const timer =
        timeout === undefined
          ? undefined
          : clock.setTimer(timeout, () => {
              const message = `event ${eventId} has not ended within ${timeout} ms; its turn goes on`
              waiter.reject(new VigilError('WAIT_TIMEOUT', message))
            })
      waiters.add(waiter)
      if (signal?.aborted === true) aborted()
      else signal?.addEventListener('abort', aborted)
    })

  const newest = async (query: Omit<PageQuery, 'limit'>): Promise<JournalRecord | undefined> =>
    (await log.journal.page({ ...query, limit: 1 })).records[0]

  return {
    async of(process, eventId, options = {}) {
      const open = log.world.get(process)?.mailbox.has(eventId) === true
      if (open) return await wait(slot(process, turnOf(eventId)), eventId, options)
      await log.settled()
      for (const type of ['turn.completed', 'turn.dead_lettered', 'turn.cancelled']) {
        const end = await newest({ process, turn: turnOf(eventId), type })
        const result = end && resultOf(end)
        if (result !== undefined) return result
        const batch = (await log.journal.page({ process, type, limit: batchesLookedAt, bodies: 'named' })).records
        const ofBatch = batch.find((record) => endedBy(record).includes(eventId))
        const whole = ofBatch && (await newest({ process, after: ofBatch.n - 1, before: ofBatch.n + 1 }))
        if (whole !== undefined) return resultOf(whole) as TurnResult
      }
      throw new VigilError('INVALID_ARGUMENT', `"${process}" has no event ${eventId} on record`)
    },
    close() {
      unobserve()
      const error = new VigilError('STOPPING', 'the supervisor stopped; the turn goes on when it starts again')
      for (const waiters of waiting.values()) for (const waiter of waiters) waiter.reject(error)
      waiting.clear()
    },
  }
}

const endedBy = ({ data }: JournalRecord): readonly string[] => eventsOf(data as Parameters<typeof eventsOf>[0])

function resultOf(record: JournalRecord): TurnResult | undefined {
  const turn = record.turn ?? ''
  if (record.type === 'turn.completed') {
    if (isGone(record.data.result))
      throw new VigilError('BODY_GONE', `the result of turn ${turn} of "${record.process}" is not kept any more`)
    return { status: 'completed', eventId: record.data.event_id, turn, result: record.data.result as Json }
  }
  if (record.type === 'turn.dead_lettered')
    return { status: 'dead_lettered', eventId: record.data.event_id, turn, error: record.data.error }
  if (record.type === 'turn.cancelled')
    return { status: 'cancelled', eventId: record.data.event_id, turn, reason: record.data.reason }
  return undefined
}
