import type { Amounts, CallInput, CallKind, JournalRecord, Outcome, ProcessName, RecordDraft } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'

/** Where a call comes from. Folds are live: read them, never keep them over an await that matters. */
export interface CallSite {
  readonly process: ProcessFold
  readonly turn: TurnFold
  readonly key: string
}

/** An effect on the outside: an intent record, the act, an outcome record. */
export interface OutsideEffect<K extends CallKind> {
  /** Finds out what has to be on record before it can be decided. A rejection is the outcome. */
  ready?(site: CallSite, input: CallInput<K>): Promise<void>
  /** Throws a VigilError when the manifest does not allow it. Pure. */
  decide(site: CallSite, input: CallInput<K>): void
  /** What the intent record keeps of the input: enough to act again, never a body. */
  intent(site: CallSite, input: CallInput<K>): unknown
  /** May it be acted again when ring 0 died between intent and outcome? */
  repeatable(input: CallInput<K>, site: CallSite): boolean
  /** In doubt, its turn waits for a person, whatever the agent makes of the error; absent: it does not. */
  parks?(site: CallSite, input: CallInput<K>): boolean
  /** A read: the next attempt does it again. */
  rerun(input: CallInput<K>): boolean
  /** Does the other side understand an idempotency key? Then `act` gets one, the same after a crash. */
  keyed(input: CallInput<K>): boolean
  act(site: CallSite, input: CallInput<K>, idempotencyKey: string | undefined): Promise<unknown>
  /** However often it is made under its key, one bill comes. */
  isPaidOnce?(site: CallSite, input: CallInput<K>): boolean
  /** What else is on record when its outcome is. */
  beside?(site: CallSite, outcome: Outcome): readonly RecordDraft[]
  /** What it has come to in the end; absent or undefined: all that was reserved. */
  spent?(outcome: Outcome): Amounts | undefined
}

/** `at`: of the record that ended the wait and holds the outcome; without it the outcome gets one. */
export interface WaitEnd {
  readonly outcome: Outcome
  readonly at?: string
}

/** An effect that waits for something in ring 0: one record begins it and says for what, an outcome record what came. */
export interface WaitingEffect<K extends CallKind> {
  /** Its fold is an effect without outcome, whose input `wait` gets. */
  record(site: CallSite, input: CallInput<K>): RecordDraft
  /** Also for an intent of an earlier ring 0. Rejects when its turn is over. */
  wait(site: CallSite, intent: unknown): Promise<WaitEnd>
}

/** What is about to be done or waited for; the outcome has a record of its own. */
export function intendedRecord(
  { process, turn, key }: CallSite,
  what: {
    readonly kind: CallKind
    readonly input: unknown
    readonly repeatable: boolean
    readonly idempotencyKey?: string | undefined
    /** The worst that it can cost. */
    readonly reserved?: Amounts
    /** Out of whose purses above its own. */
    readonly purses?: readonly string[]
  },
): RecordDraft {
  const { kind, input, repeatable, idempotencyKey, reserved = {}, purses = [] } = what
  const idempotency = idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }
  const money = Object.keys(reserved).length === 0 ? {} : { reserved, ...named(purses) }
  const data = { key, kind, input, repeatable, ...idempotency, ...money }
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'effect.intended', turn: turn.turn, data }
}

/** An effect inside ring 0: one record is the deed, the outcome and the delivery. */
export interface InsideEffect<K extends CallKind> {
  record(site: CallSite, input: CallInput<K>): RecordDraft
  /** What else is tried before the reply leaves; it changes nothing of the outcome. */
  after?(site: CallSite, record: JournalRecord): Promise<void>
}

/** A read of what ring 0 knows: only its outcome is recorded, and the next attempt reads again. */
export interface ReadEffect<K extends CallKind> {
  /** What takes time. */
  prepare(site: CallSite, input: CallInput<K>): Promise<unknown>
  /** In the tick of the record, with what was prepared. */
  read(site: CallSite, input: CallInput<K>, prepared: unknown): unknown
}

/** No list where there is nobody to name. */
export const named = (purses: readonly string[]): { purses?: string[] } =>
  purses.length === 0 ? {} : { purses: [...purses] }
