import {
  type AcceptedEvent,
  type Clock,
  faultPoint,
  type ProcessName,
  type Random,
  type RecordData,
  type RecordDraft,
  type ThrownError,
  type Timer,
} from '@vigil/protocol'
import { admit } from '../delivery/admission.ts'
import { poisonCrashes } from '../delivery/attempt.ts'
import type { Candidate } from '../delivery/candidates.ts'
import { eventAges } from '../delivery/event-age.ts'
import { expiries } from '../delivery/expiry.ts'
import { retryWaits } from '../delivery/retry-wait.ts'
import { turnEvent } from '../delivery/turn-event.ts'
import { type ProcessFold, type TurnFold, turnOf } from '../fold/process-fold.ts'
import { pursesAbove } from '../fold/purse-fold.ts'
import { writtenKeys } from '../fold/state-fold.ts'
import { listens, waitsForPerson } from '../fold/turn-fold.ts'
import { named } from '../gate/effect.ts'
import { beginsInMs, chargeRecords, usedUpRecords } from '../ledger/ledger.ts'
import { paidRuns, repeatedRecords } from '../ledger/repeated-runs.ts'
import { rememberedRecords } from '../memory/auto-store.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Incarnation } from './incarnation-surface.ts'
import { overwrittenRecords } from './state-commit.ts'
import { type Completion, completionRecord, endOf, failureRecord, interruptedRecord, poisonRecord } from './turn-end.ts'

/**
 * Moves events of one process through turns: admits what may run, puts the end of each attempt on record. It knows the
 * present life only through `life`, which may be gone at any time: the mailbox and the open turns are in the fold.
 */
export interface TurnRunner {
  /** Gives the life whatever may run now. Called after anything that could change the answer. */
  pump(arrived?: string): void
  completed(turn: string, end: Completion): void
  threw(
    turn: string,
    end: { readonly error: ThrownError; readonly unasked: readonly string[]; readonly crashed: boolean },
  ): void
  /** Ends the turn of an event, or the event before it has one; false when it has ended already. */
  cancel(eventId: string, end: { readonly by: string; readonly reason: string }): boolean
  /** The guest was given up while these waited for ring 0: none of them goes on before it has heard. */
  suspended(turns: Iterable<string>): void
  /** The guest has let go of a turn that waits for people. */
  released(turn: string): void
  /** A record of this turn is durable: what it waits for may have come. */
  heard(turn: string): void
  close(): void
}

export interface TurnRunnerParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  readonly process: ProcessFold
  /** The life that may be given turns, or undefined. */
  readonly life: () => Incarnation | undefined
  /** Resolves when it is known which tools a model can be offered; nothing when it is, or there is none. Never rejects. */
  readonly tools: () => Promise<void> | undefined
  /** Core has ended a turn: the life that works on it hears of it, also one that is given nothing any more. */
  readonly giveUp: (turn: string, reason: string) => void
  /** The process has as many dead letters in a row as its manifest allows. */
  readonly failed: () => void
  /** It may run nothing, whatever waits, until it is pumped again. */
  readonly holds: () => boolean
  /** The life has nothing to do on its bundle, and another bundle has. */
  readonly outdated: () => void
  /** All that the life had to do waits for people. */
  readonly left: () => void
  /** There is work and no life. */
  readonly wake: () => void
  /** The life has been given all that there is; whether that is nothing. */
  readonly settled: (isIdle: boolean) => void
}

const none: ReadonlySet<string> = new Set()

/** Nothing is to be waited for when neither is. */
const both = (first: Promise<void> | undefined, second: Promise<void> | undefined): Promise<void> | undefined =>
  first === undefined || second === undefined ? (first ?? second) : first.then(() => second)

export function turnRunner(parts: TurnRunnerParts): TurnRunner {
  const { log, clock, random, process } = parts
  const retryInMs = retryWaits(clock)
  const ageMs = eventAges(clock)
  const isExpired = expiries(clock, ageMs)
  for (const event of process.mailbox.values()) ageMs(event)
  const waiting = new Set<string>()
  let wake: Timer | undefined
  let pumping = false
  let again = false

  const context = (turn: TurnFold) => ({ process, turn, nowMs: clock.now(), jitter: random.next() })
  const budgetInMs = (): number => beginsInMs(log.world, process, clock.now())
  const author = () => ({ process: process.name as ProcessName, epoch: process.epoch })

  const salt = (): { readonly salt?: string } =>
    process.manifest.secrets === undefined && process.secrets.size === 0 && process.manifest.thinking === undefined
      ? {}
      : { salt: Buffer.from(random.bytes(16)).toString('hex') }

  const start = (life: Incarnation, id: string, data: RecordData<'turn.started'>, crashed: boolean): void => {
    faultPoint('turn.before_start')
    // Lazy: it rides with the first effect, and without one there is nothing to lose.
    log.commit([{ ...author(), type: 'turn.started', turn: id, data }], 'lazy')
    const open = process.turns.get(id)
    const event = open === undefined ? undefined : turnEvent(process, open)
    if (open === undefined || event === undefined) return
    life.begin(open, event, { crashed, when: both(payAgain(open), parts.tools()) })
  }

  /** Resolves when it is on the disk that what the guest will run again is paid again; nothing when it is nothing. */
  const payAgain = (turn: TurnFold): Promise<void> | undefined => {
    const runs = [...paidRuns(process, turn)]
    // One after the other: each takes room from the next.
    for (const { key, price } of runs)
      log.commit(repeatedRecords(log.world, { process, turn, key }, { price, nowMs: clock.now() }))
    return runs.length === 0 ? undefined : log.journal.durable(log.journal.lastSeq)
  }

  const resume = (life: Incarnation, turn: TurnFold): void => {
    if (turn.crashes >= poisonCrashes) return end(poisonRecord(context(turn)))
    if (turn.cut && listens(turn)) return end(interruptedRecord(context(turn)))
    const { turn: id, eventId: event_id, bundle, startedAt: started_at, cut: crashed } = turn
    const attempt = turn.attempt + (crashed ? 0 : 1)
    start(life, id, { event_id, attempt, bundle, started_at, ...(turn.salt === undefined ? salt() : {}) }, crashed)
  }

  const expire = (events: readonly AcceptedEvent[]): void => {
    for (const { event_id } of events)
      log.commit([cancelled(turnOf(event_id), { event_id, reason: 'expired', by: 'policy' })])
    again = true
  }

  /** Those that the newest of them stands for have ended with its beginning. */
  const begin = (life: Incarnation, { events, rules, superseded }: Candidate): void => {
    const [{ event_id }] = events
    for (const { event_id: old } of superseded)
      log.commit([cancelled(turnOf(old), { event_id: old, reason: `superseded by ${event_id}`, by: 'policy' })])
    const data = {
      event_id,
      attempt: 1,
      bundle: life.bundle,
      started_at: new Date(clock.now()).toISOString(),
      ...(rules?.batch === undefined ? {} : { event_ids: events.map((event) => event.event_id) }),
      ...(rules?.rate === undefined ? {} : { rate: rules.rate.count }),
      ...named(pursesAbove(log.world, process)),
      ...salt(),
    }
    start(life, turnOf(event_id), data, false)
  }

  const cancelled = (turn: string, data: RecordData<'turn.cancelled'>): RecordDraft => ({
    ...author(),
    type: 'turn.cancelled',
    turn,
    data,
  })

  /** A turn that ends at once asks for the next from within the round that chose it: the round would go on with old news. */
  const pump = (): void => {
    again = true
    if (pumping) return
    pumping = true
    try {
      while (again) {
        again = false
        round()
      }
    } finally {
      pumping = false
    }
  }

  const round = (): void => {
    wake?.cancel()
    wake = undefined
    if (log.journal.space.state !== 'open' || parts.holds()) return
    const life = parts.life()
    const running = waiting.size > 0 ? waiting.union(life?.running ?? none) : (life?.running ?? none)
    const moment = { running, retryInMs, isExpired, ageMs, nowMs: clock.now(), budgetInMs: budgetInMs() }
    const { resume: due, begin: next, expired, wakeInMs, lacksBudget } = admit(process, moment)
    if (expired.length > 0) return expire(expired)
    const news = lacksBudget === true ? usedUpRecords(log.world, process, clock.now()) : []
    // It waits as a whole from here on.
    if (news.length > 0) return void log.commit(news)
    if (wakeInMs !== undefined) wake = clock.setTimer(wakeInMs, pump)
    if (life === undefined) {
      // New code shows at once that it comes up.
      if (due.length + next.length > 0 || process.described !== process.bundle) parts.wake()
      return
    }
    const own = due.filter((turn) => turn.bundle === life.bundle)
    for (const turn of own) resume(life, turn)
    // What was begun on other code goes first, or it might wait for ever.
    if (process.bundle === life.bundle && own.length === due.length) {
      for (const candidate of next) {
        begin(life, candidate)
        // A run counts when it has begun, and may have been the last.
        again = budgetInMs() > 0
        if (again) break
      }
    } else if (life.running.size === 0 && !isNeeded(life)) parts.outdated()
    parts.settled(life.running.size === 0)
  }

  /** Some turn can only go on with the code of this life. */
  const isNeeded = ({ bundle }: Incarnation): boolean =>
    [...process.turns.values()].some((turn) => turn.bundle === bundle && !waitsForPerson(turn))

  const charged = ({ type, turn = '' }: RecordDraft): RecordDraft[] =>
    type === 'turn.attempt_failed' || type === 'turn.parked' ? [] : chargeRecords(log.world, process, turn)

  /** Its guest may have come to an end before it was told that a person has to speak first. */
  const unparked = (id: string): TurnFold | undefined => {
    const turn = process.turns.get(id)
    return turn?.parked === undefined ? turn : undefined
  }

  const end = (record: RecordDraft, beside: readonly RecordDraft[] = []): void => {
    faultPoint('turn.before_end')
    const failuresBefore = process.failures
    log.commit([...beside, ...charged(record), record])
    if (record.type === 'turn.completed') parts.life()?.stateChanged(writtenKeys(record.data.writes))
    if (process.failures > failuresBefore && process.failures >= process.manifest.maxConsecutiveFailures) parts.failed()
    else pump()
  }

  return {
    pump(arrived) {
      const event = arrived === undefined ? undefined : process.mailbox.get(arrived)
      // Its time begins now, and not when its turn might begin.
      if (event !== undefined) ageMs(event)
      pump()
    },
    completed(id, completion) {
      const turn = unparked(id)
      if (turn === undefined) return
      const record = completionRecord(context(turn), completion)
      if (record.type !== 'turn.completed') return end(record)
      const { result } = record.data
      end(record, [
        ...overwrittenRecords(process, turn, completion.writes),
        ...rememberedRecords(log.world, process, { turn, result }),
      ])
    },
    threw(id, failure) {
      const turn = unparked(id)
      if (turn !== undefined) end(failureRecord(context(turn), failure))
    },
    cancel(eventId, { by, reason }) {
      if (!process.mailbox.has(eventId)) return false
      const open = [...process.turns.values()].find(({ eventIds }) => eventIds.includes(eventId))
      const turn = open?.turn ?? turnOf(eventId)
      parts.giveUp(turn, reason)
      waiting.delete(turn)
      const record = cancelled(turn, { ...(open === undefined ? { event_id: eventId } : endOf(open)), reason, by })
      log.commit([...charged(record), record])
      pump()
      return true
    },
    suspended(turns) {
      for (const turn of turns) waiting.add(turn)
    },
    released(id) {
      const turn = process.turns.get(id)
      if (turn !== undefined)
        log.commit([{ ...author(), type: 'turn.suspended', turn: id, data: { attempt: turn.attempt } }])
      pump()
      if (parts.life()?.running.size === 0) parts.left()
    },
    heard(turn) {
      if (waiting.delete(turn)) pump()
    },
    close() {
      wake?.cancel()
    },
  }
}
