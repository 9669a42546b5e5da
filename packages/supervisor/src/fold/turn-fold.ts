import { emptyTurnPurse } from '@vigil/governance'
import {
  type AcceptedEvent,
  type CallKind,
  eventsOf,
  type JournalRecord,
  type Outcome,
  personKinds,
  type RecordType,
} from '@vigil/protocol'
import { committedConversation } from './conversation-fold.ts'
import { keepDeadLetter } from './dead-letter-fold.ts'
import type { EffectFold, ProcessFold, TurnFold } from './process-fold.ts'
import { commitWrites } from './state-fold.ts'
import { waitNoMore } from './waiting-lines.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

/** Turns and their effects. A record of a turn that has ended changes nothing: its outcome came too late to matter. */
const turnOf = (process: ProcessFold, { turn }: { readonly turn?: string }): TurnFold | undefined =>
  turn === undefined ? undefined : process.turns.get(turn)

export function foldStarted(process: ProcessFold, record: Of<'turn.started'>): void {
  const { turn: id, data } = record
  if (id === undefined) return
  const turn = process.turns.get(id)
  if (turn !== undefined) {
    // A new attempt reads anew; one that goes on reads what it read.
    if (data.attempt !== turn.attempt) {
      turn.before.clear()
      turn.conversation = process.conversation
      turn.ranMs = 0
      // Again: what was under way when the last one ended has come in since.
      forgetUndone(turn)
    }
    turn.attempt = data.attempt
    turn.salt ??= data.salt
    if (data.trace !== undefined) turn.trace = data.trace
    turn.retry = undefined
    turn.cut = false
    turn.suspended = undefined
    return
  }
  if (data.rate !== undefined) rememberStart(process, data.event_id, data.rate, Date.parse(data.started_at))
  const eventIds = eventsOf(data)
  waitNoMore(process, eventIds)
  process.turns.set(id, {
    turn: id,
    eventId: data.event_id,
    eventIds,
    batch: data.event_ids !== undefined,
    bundle: data.bundle,
    startedAt: data.started_at,
    attempt: data.attempt,
    ranMs: 0,
    crashes: 0,
    cut: false,
    quarantined: false,
    retry: undefined,
    parked: undefined,
    suspended: undefined,
    purse: emptyTurnPurse,
    begunTools: {},
    salt: data.salt,
    // On the manifest that is on record at this place, so every replay finds the same.
    thinking: process.manifest.thinking,
    conversation: process.conversation,
    effects: new Map(),
    before: new Map(),
    ...(data.trace === undefined ? {} : { trace: data.trace }),
  })
}

function rememberStart(process: ProcessFold, eventId: string, keep: number, atMs: number): void {
  const trigger = process.mailbox.get(eventId)?.trigger_id
  if (trigger !== undefined) process.begun.set(trigger, [...(process.begun.get(trigger) ?? []), atMs].slice(-keep))
}

/** A turn that began five minutes ago by the clock that was set began five minutes ago by the new one too. */
export function shiftStarts(process: ProcessFold, byMs: number): void {
  for (const [id, starts] of process.begun)
    process.begun.set(
      id,
      starts.map((at) => at + byMs),
    )
}

export function foldEffectIntended(process: ProcessFold, record: Of<'effect.intended'>): void {
  const turn = turnOf(process, record)
  if (turn === undefined) return
  const tool = record.data.kind === 'tool' || record.data.kind === 'server.tool' ? toolOf(record.data.input) : undefined
  if (tool !== undefined) turn.begunTools = { ...turn.begunTools, [tool]: (turn.begunTools[tool] ?? 0) + 1 }
  turn.effects.set(record.data.key, {
    key: record.data.key,
    kind: record.data.kind,
    at: record.at,
    attempt: turn.attempt,
    input: record.data.input,
    idempotencyKey: record.data.idempotency_key,
    repeatable: record.data.repeatable,
    rerun: false,
    ...(record.data.reserved === undefined ? {} : { reserved: record.data.reserved }),
  })
}

const toolOf = (input: unknown): string => String((input as { readonly name?: unknown } | null)?.name)

export function foldEffectCompleted(process: ProcessFold, record: Of<'effect.completed'>): void {
  const turn = turnOf(process, record)
  if (turn === undefined) return
  const intent = turn.effects.get(record.data.key)
  settleEffect(turn, {
    key: record.data.key,
    kind: record.data.kind,
    at: record.at,
    // Of the attempt that asked: the one that is open now may never ask for it.
    attempt: intent?.attempt ?? turn.attempt,
    input: intent?.input,
    idempotencyKey: intent?.idempotencyKey,
    ...(intent?.reserved === undefined ? {} : { reserved: intent.reserved }),
    repeatable: intent?.repeatable ?? true,
    rerun: record.data.rerun ?? false,
    outcome: record.data.outcome,
  })
}

/** Moves the effect to the end: a Map keeps the order of outcomes, which replay repeats. */
export function settleEffect(turn: TurnFold, effect: EffectFold): void {
  turn.effects.delete(effect.key)
  turn.effects.set(effect.key, effect)
  // What it waited for may have come.
  turn.suspended = undefined
}

export function foldSuspended(process: ProcessFold, record: Of<'turn.suspended'>): void {
  const turn = turnOf(process, record)
  if (turn === undefined || turn.attempt !== record.data.attempt) return
  turn.cut = true
  // A decision may have come while the guest was being told: then it goes on at once.
  if (turn.effects.values().some(asksPeople)) turn.suspended = record.at
}

/** Of an effect beside a call that people have to approve: what they say is for the gate, and no guest asks for it. */
export const approvalKind = 'approval'

const asksPeople = ({ kind, outcome }: EffectFold): boolean =>
  outcome === undefined && (kind === approvalKind || personKinds.has(kind as CallKind))

/** It does nothing and holds no guest before a person has spoken. */
export const waitsForPerson = ({ parked, suspended }: TurnFold): boolean =>
  parked !== undefined || suspended !== undefined

export function foldRan(process: ProcessFold, record: Of<'turn.ran'>): void {
  const turn = turnOf(process, record)
  if (turn?.attempt === record.data.attempt) turn.ranMs = record.data.ms
}

export function foldAttemptFailed(process: ProcessFold, record: Of<'turn.attempt_failed'>): void {
  const turn = turnOf(process, record)
  if (turn === undefined) return
  turn.retry = { at: record.data.retry_at, failedAt: record.at }
  turn.cut = false
  forgetUndone(turn)
}

/** The next attempt keeps what was done or is in doubt, and does again what failed or was only read. */
function forgetUndone(turn: TurnFold): void {
  for (const effect of [...turn.effects.values()]) {
    const done = effect.outcome?.ok === true && !effect.rerun
    const unknown = effect.outcome === undefined || isDoubt(effect.outcome)
    if (!done && !unknown) turn.effects.delete(effect.key)
  }
}

const isDoubt = (outcome: Outcome): boolean => !outcome.ok && outcome.error.code === 'EFFECT_IN_DOUBT'

/** Effects of which nobody knows whether they happened, and of which the agent was told so. */
export const doubtsOf = (turn: TurnFold): EffectFold[] =>
  [...turn.effects.values()].filter(({ outcome }) => outcome !== undefined && isDoubt(outcome))

/** The attempt has opened a channel: what it heard there is on no record, so nothing can be replayed. */
export const listens = ({ attempt, effects }: TurnFold): boolean =>
  effects.values().some((effect) => effect.kind === 'channel' && effect.attempt === attempt)

export function foldParked(process: ProcessFold, record: Of<'turn.parked'>): void {
  const turn = turnOf(process, record)
  if (turn === undefined) return
  turn.parked = { at: record.at, doubts: record.data.doubts }
  turn.cut = false
  forgetUndone(turn)
}

/** What did not happen, or may happen again, is made by the next attempt under the same key. */
export function foldDoubtResolved(process: ProcessFold, record: Of<'doubt.resolved'>): void {
  const turn = turnOf(process, record)
  const { key, outcome, result } = record.data
  const effect = turn?.effects.get(key)
  if (turn?.parked === undefined || effect === undefined) return
  if (outcome === 'done') settleEffect(turn, { ...effect, at: record.at, outcome: { ok: true, value: result ?? null } })
  else turn.effects.delete(key)
  const doubts = turn.parked.doubts.filter((each) => each !== key)
  turn.parked = doubts.length === 0 ? undefined : { ...turn.parked, doubts }
  if (turn.parked === undefined) turn.retry = { at: record.at, failedAt: record.at }
}

export function foldCompleted(process: ProcessFold, record: Of<'turn.completed'>): void {
  const before = process.turns.get(record.turn ?? '')?.before
  const events = takeOut(process, record)
  if (record.turn === undefined || events.length === 0) return
  process.completed += events.length
  process.failures = 0
  const { writes } = record.data
  commitWrites(process, writes, { at: record.at, source: record.turn, before })
  if (writes.conversation !== undefined)
    process.conversation = committedConversation(process.conversation, writes.conversation)
}

export function foldDeadLettered(process: ProcessFold, record: Of<'turn.dead_lettered'>): void {
  const events = takeOut(process, record)
  if (events.length === 0) return
  process.deadLettered += events.length
  const { attempts, reason, error } = record.data
  // The disk has failed then, and not the agent.
  if (error.code !== 'BODY_LOST') process.failures += 1
  for (const event of events) keepDeadLetter(process, { at: record.at, event, attempts, reason, error })
}

export function foldCancelled(process: ProcessFold, record: Of<'turn.cancelled'>): void {
  process.cancelled += takeOut(process, record).length
}

/** The end of a turn: its events leave the mailbox, those that are still there. */
function takeOut(
  process: ProcessFold,
  record: Of<'turn.completed' | 'turn.dead_lettered' | 'turn.cancelled'>,
): AcceptedEvent[] {
  process.turns.delete(record.turn ?? '')
  const ids = eventsOf(record.data)
  waitNoMore(process, ids)
  return ids.flatMap((id) => {
    const event = process.mailbox.get(id)
    process.mailbox.delete(id)
    if (event?.priority !== undefined) process.prioritized -= 1
    return event === undefined ? [] : [event]
  })
}
