import { type JournalRecord, limits, type Outcome, type RecordType } from '@vigil/protocol'
import type { EffectFold, ProcessFold, TurnFold } from './process-fold.ts'
import { commitWrites } from './state-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>
type TurnRecord = Of<
  | 'turn.started'
  | 'turn.attempt_failed'
  | 'turn.completed'
  | 'turn.dead_lettered'
  | 'effect.intended'
  | 'effect.completed'
>

/** Turns and their effects. A record of a turn that has ended changes nothing: its outcome came too late to matter. */
export function foldTurn(process: ProcessFold, record: TurnRecord): void {
  const id = record.turn
  if (id === undefined) return
  if (record.type === 'turn.started') return foldStarted(process, id, record)
  if (record.type === 'turn.completed') return foldCompleted(process, id, record)
  if (record.type === 'turn.dead_lettered') return foldDeadLettered(process, id, record)
  const turn = process.turns.get(id)
  if (turn === undefined) return
  switch (record.type) {
    case 'turn.attempt_failed':
      return foldAttemptFailed(turn, record)
    case 'effect.intended':
      turn.effects.set(record.data.key, {
        key: record.data.key,
        kind: record.data.kind,
        at: record.at,
        attempt: turn.attempt,
        input: record.data.input,
        idempotencyKey: record.data.idempotency_key,
        repeatable: record.data.repeatable,
        rerun: false,
      })
      return
    case 'effect.completed': {
      const intent = turn.effects.get(record.data.key)
      settleEffect(turn, {
        key: record.data.key,
        kind: record.data.kind,
        at: record.at,
        attempt: turn.attempt,
        input: intent?.input,
        idempotencyKey: intent?.idempotencyKey,
        repeatable: intent?.repeatable ?? true,
        rerun: record.data.rerun ?? false,
        outcome: record.data.outcome,
      })
    }
  }
}

/** Moves the effect to the end: a Map keeps the order of outcomes, which replay repeats. */
export function settleEffect(turn: TurnFold, effect: EffectFold): void {
  turn.effects.delete(effect.key)
  turn.effects.set(effect.key, effect)
}

function foldStarted(process: ProcessFold, id: string, record: Of<'turn.started'>): void {
  const turn = process.turns.get(id)
  if (turn !== undefined) {
    turn.attempt = record.data.attempt
    turn.retry = undefined
    turn.cut = false
    return
  }
  process.turns.set(id, {
    turn: id,
    eventId: record.data.event_id,
    bundle: record.data.bundle,
    startedAt: record.data.started_at,
    attempt: record.data.attempt,
    crashes: 0,
    cut: false,
    quarantined: false,
    retry: undefined,
    effects: new Map(),
  })
}

/** The next attempt keeps what was done or is in doubt, and does again what failed or was only read. */
function foldAttemptFailed(turn: TurnFold, record: Of<'turn.attempt_failed'>): void {
  turn.retry = { at: record.data.retry_at, failedAt: record.at }
  for (const effect of [...turn.effects.values()]) {
    const done = effect.outcome?.ok === true && !effect.rerun
    const unknown = effect.outcome === undefined || isDoubt(effect.outcome)
    if (!done && !unknown) turn.effects.delete(effect.key)
  }
}

const isDoubt = (outcome: Outcome): boolean => !outcome.ok && outcome.error.code === 'EFFECT_IN_DOUBT'

function foldCompleted(process: ProcessFold, id: string, record: Of<'turn.completed'>): void {
  if (!process.mailbox.delete(record.data.event_id)) return
  process.turns.delete(id)
  process.completed += 1
  process.failures = 0
  commitWrites(process, record.data.writes, record.at, id)
}

function foldDeadLettered(process: ProcessFold, id: string, record: Of<'turn.dead_lettered'>): void {
  const event = process.mailbox.get(record.data.event_id)
  if (event === undefined) return
  process.mailbox.delete(record.data.event_id)
  process.turns.delete(id)
  process.deadLettered += 1
  process.failures += 1
  const { attempts, reason, error } = record.data
  process.deadLetters.push({ at: record.at, event, attempts, reason, error })
  if (process.deadLetters.length > limits.deadLetters) process.deadLetters.shift()
}
