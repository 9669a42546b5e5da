import {
  type Amounts,
  type CallKind,
  type Clock,
  errorBody,
  faultPoint,
  type JournalRecord,
  type Outcome,
  type ProcessName,
  type RecordData,
  type RecordDraft,
  type RecordedError,
  VigilError,
} from '@vigil/protocol'
import type { EffectFold } from '../fold/process-fold.ts'
import { pursesAbove } from '../fold/purse-fold.ts'
import { doubtsOf } from '../fold/turn-fold.ts'
import type { World } from '../fold/world.ts'
import { paidAgain, repeatedRecords } from '../ledger/repeated-runs.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { type Decider, decide } from './decide.ts'
import { type CallSite, intendedRecord, named } from './effect.ts'
import { replyOrder } from './reply-order.ts'

/** A call that is being made. `land` answers everyone who waits for it, and is called once. */
export interface Flight extends CallSite {
  readonly kind: CallKind
  readonly land: (reply: GateReply | GateWait) => void
}

/**
 * People are asked first, and nothing of the call is done. Whoever wants it still when `over` resolves makes it again: a guest that was
 * let go meanwhile does so in its replay, and what it began here would have nobody to end it.
 */
export interface GateWait {
  readonly over: Promise<void>
}

export interface GateReply {
  /** ISO wall time of the outcome: where the guest's clock stands now. */
  readonly at: string
  readonly outcome: Outcome
  /** From now on its turn waits for a person: its guest hears nothing of it. */
  readonly parked?: true
}

/** What every call does with the journal, whatever its kind: it is decided, intended, completed and answered. */
export interface Flights {
  readonly nowIso: () => string
  /** An answer without a record: a replay asks again. */
  readonly refusal: (error: unknown) => GateReply
  /**
   * Asks the deciders about a call that is not on record. `go` gets what may be done, in the tick of the decision: what it reserves
   * has to be on record before anybody else is decided. A refusal is the outcome; a read that was refused is read again.
   */
  governed<Input>(
    flight: Flight,
    call: { readonly input: Input; readonly rerun?: boolean },
    go: (input: Input, reserved: Amounts) => Promise<void> | void,
  ): Promise<void> | void
  /** Gives the `seq` that has to be durable before the act. */
  intend(flight: Flight, intent: Omit<Parameters<typeof intendedRecord>[1], 'kind'>): number
  /** `guarded`: nobody hears of it before it is on the disk. `parks`: its turn goes on when a person has said what came of it. */
  complete(
    flight: Flight,
    outcome: Outcome,
    options?: {
      readonly rerun?: boolean | undefined
      readonly guarded?: boolean
      readonly parks?: boolean
      readonly beside?: readonly RecordDraft[] | undefined
      /** Where it is not what was reserved. */
      readonly spent?: Amounts | undefined
    },
  ): void
  /** What was begun before a crash and costs something is paid for once more; false when there is no room for that, which is its outcome then. */
  again(flight: Flight, rerun: boolean): Promise<boolean>
  /** Puts on record what ring 0 does itself, or that it refused to: the guest saw that, so its replay has to see it too. */
  enter(flight: Flight, record: () => RecordDraft): JournalRecord | undefined
  /** Lands in the order of records; `durable` is the record that must be on the disk before. */
  land(flight: Flight, durable: number | undefined, reply: GateReply): void
}

export function flights(log: RecordLog, clock: Clock, deciders: readonly Decider[]): Flights {
  const order = replyOrder(log.journal)
  const nowIso = (): string => new Date(clock.now()).toISOString()
  const refusal = (error: unknown): GateReply => ({ at: nowIso(), outcome: refused(error) })

  const land: Flights['land'] = (flight, durable, reply) =>
    order.leave(flight.turn.turn, durable, (failure) => {
      faultPoint('effect.before_reply')
      flight.land(failure === undefined ? reply : refusal(failure))
    })

  const complete: Flights['complete'] = (flight, outcome, options = {}) => {
    const { rerun = false, guarded = false, parks = false, beside = [], spent } = options
    const { key, kind } = flight
    const completed = { key, kind, outcome, ...(rerun ? { rerun } : {}), ...payment(log.world, flight, spent) }
    const parked = parks && !outcome.ok ? [parkedRecord(flight, outcome.error)] : []
    const records = [completedRecord(flight, completed), ...parked, ...beside]
    const [record] = log.commit(records, guarded ? 'durable' : 'lazy')
    // As it is on record, without the secrets that may have stood in it: a replay gets no other.
    const told = record?.type === 'effect.completed' ? record.data.outcome : outcome
    const reply = { at: record?.at ?? nowIso(), outcome: told, ...(parks ? { parked: true as const } : {}) }
    land(flight, guarded ? record?.seq : undefined, reply)
  }

  const governed: Flights['governed'] = (flight, { input, rerun }, go) => {
    if (flight.turn.effects.has(flight.key)) return go(input, {})
    const ruling = decide(deciders, { site: flight, kind: flight.kind, input })
    if (ruling.verdict === 'go') return go(ruling.input as typeof input, ruling.reserve)
    if (ruling.verdict === 'refuse') return complete(flight, refused(ruling.error), { rerun, beside: ruling.beside })
    flight.land({ over: ruling.over() })
  }

  return {
    nowIso,
    refusal,
    governed,
    intend(flight, intent) {
      const purses = pursesAbove(log.world, flight.process)
      const [record] = log.commit([intendedRecord(flight, { ...intent, kind: flight.kind, purses })])
      return record?.seq ?? 0
    },
    complete,
    async again(flight, rerun) {
      const price = paidAgain(flight.turn.effects.get(flight.key)?.reserved)
      if (price === undefined) return true
      const drafts = repeatedRecords(log.world, flight, { price, rerun, nowMs: clock.now() })
      const [record] = log.commit(drafts)
      if (record?.type !== 'effect.completed') {
        await log.journal.durable(record?.seq ?? 0)
        return true
      }
      land(flight, record.seq, { at: record.at, outcome: record.data.outcome })
      return false
    },
    enter(flight, draft) {
      let record: RecordDraft
      try {
        record = draft()
      } catch (error) {
        complete(flight, refused(error))
        return undefined
      }
      return log.commit([record])[0]
    },
    land,
  }
}

export const refused = (error: unknown): Outcome => ({ ok: false, error: errorBody(error) })

export const inDoubt = (effect: EffectFold): VigilError =>
  // Recorded like any outcome: given without a record it would come at another place in the next replay.
  new VigilError('EFFECT_IN_DOUBT', `${effect.kind} was begun at ${effect.at} and its outcome is unknown`, {
    details: { key: effect.key, input: effect.input },
  })

/** What was begun is paid for, whatever came of it; if its turn has ended, it is paid already. */
function payment(
  world: World,
  { process, turn, key }: CallSite,
  spent: Amounts | undefined,
): Partial<RecordData<'effect.completed'>> {
  const reserved = turn.effects.get(key)?.reserved
  if (reserved === undefined || process.turns.get(turn.turn) !== turn) return {}
  const purses = named(pursesAbove(world, process))
  return spent === undefined ? { spent: reserved, ...purses } : { spent, released: reserved, ...purses }
}

function completedRecord({ process, turn }: CallSite, data: RecordData<'effect.completed'>): RecordDraft {
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'effect.completed', turn: turn.turn, data }
}

/** In one batch with the outcome: a crash between the two would let the agent go on as if nothing were. */
function parkedRecord({ process, turn, key }: CallSite, error: RecordedError): RecordDraft {
  const doubts = [...doubtsOf(turn).map((effect) => effect.key), key]
  const data = { attempt: turn.attempt, doubts, error }
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'turn.parked', turn: turn.turn, data }
}
