import {
  limits,
  type ProcessName,
  type RecordDraft,
  type RecordedError,
  type ThrownError,
  type WriteSet,
} from '@vigil/protocol'
import { afterThrow, poisonCrashes, thrownBody } from '../delivery/attempt.ts'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { doubtsOf } from '../fold/turn-fold.ts'
import { writeRefusal } from './state-commit.ts'

/** What the end of an attempt puts on record. Pure: time and jitter come with the call. */
export interface EndContext {
  readonly process: ProcessFold
  readonly turn: TurnFold
  readonly nowMs: number
  readonly jitter: number
}

export interface Completion {
  readonly result: unknown
  readonly writes: WriteSet
  readonly unasked: readonly string[]
  readonly crashed: boolean
}

export function completionRecord(context: EndContext, end: Completion): RecordDraft {
  // After a crash the same code must ask for everything that was done; what it leaves out was done for nothing.
  const dropped = droppedEffects(context, end)
  if (dropped.length > 0) return deadLetter(context, 'diverged', divergence(dropped))
  const { process, turn } = context
  const refused = sizeError(end) ?? writeRefusal(process, end.writes, process.manifest.context.writableKeys)
  if (refused !== undefined) return deadLetter(context, 'not_retryable', refused)
  return {
    ...head(context),
    type: 'turn.completed',
    turn: turn.turn,
    data: { ...endOf(turn), attempt: turn.attempt, result: end.result ?? null, writes: end.writes },
    process: process.name as ProcessName,
  }
}

export function failureRecord(
  context: EndContext,
  end: { readonly error: ThrownError; readonly unasked: readonly string[]; readonly crashed: boolean },
): RecordDraft {
  const { process, turn } = context
  const dropped = droppedEffects(context, end)
  const error = dropped.length > 0 ? divergence(dropped) : thrownBody(end.error)
  // Nobody knows whether it happened, so nobody but a person can say what comes next.
  const doubts = error.code === 'EFFECT_IN_DOUBT' ? doubtsOf(turn).map(({ key }) => key) : []
  if (doubts.length > 0)
    return { ...head(context), type: 'turn.parked', turn: turn.turn, data: { attempt: turn.attempt, doubts, error } }
  const exceeded = error.code === 'BUDGET_EXCEEDED' ? refusedBudget(turn) : undefined
  const decision =
    exceeded?.is_hopeless === false
      ? afterReset
      : afterThrow(
          process.manifest.delivery,
          turn.attempt,
          error,
          end.error.retry !== false && exceeded === undefined,
          context.jitter,
        )
  if (decision.action === 'dead_letter') return deadLetter(context, decision.reason, error)
  const retry_at = new Date(context.nowMs + decision.delayMs).toISOString()
  return {
    ...head(context),
    type: 'turn.attempt_failed',
    turn: turn.turn,
    data: { attempt: turn.attempt, error, retry_at },
  }
}

/** Nothing was wrong with it: it waits with its process, and how often does not count. */
const afterReset = { action: 'retry', delayMs: 1_000 } as const

/** What the newest refusal for want of money said. */
const refusedBudget = ({ effects }: TurnFold): { readonly is_hopeless?: boolean } | undefined =>
  [...effects.values()]
    .flatMap(({ outcome }) =>
      outcome?.ok === false && outcome.error.code === 'BUDGET_EXCEEDED'
        ? [outcome.error.details as { is_hopeless?: boolean }]
        : [],
    )
    .at(-1)

/**
 * What a cut attempt had done and did not ask for when it was replayed. Effects of earlier attempts do not count: the
 * attempt that threw may have gone another way.
 */
function droppedEffects(
  { turn }: EndContext,
  end: { readonly crashed: boolean; readonly unasked: readonly string[] },
): readonly string[] {
  if (!end.crashed) return []
  return end.unasked.filter((key) => turn.effects.get(key)?.attempt === turn.attempt)
}

/** A crash cut an attempt that cannot be replayed. */
export function interruptedRecord(context: EndContext): RecordDraft {
  const message = `attempt ${context.turn.attempt} was cut while it had a channel, and what came over that is not on record`
  return failureRecord(context, { error: { code: 'CHANNEL_INTERRUPTED', message }, unasked: [], crashed: true })
}

/** The event has taken the agent down too often to be tried again. */
export function poisonRecord(context: EndContext): RecordDraft {
  const cause = context.process.lastExit?.cause
  return deadLetter(context, 'poison', {
    code: 'CRASHED_TWICE',
    message: `the agent died ${poisonCrashes} times while it handled this event, last by ${cause?.kind ?? 'an unknown cause'}`,
    details: { cause },
  })
}

function deadLetter(context: EndContext, reason: string, error: RecordedError): RecordDraft {
  const { turn } = context
  return {
    ...head(context),
    type: 'turn.dead_lettered',
    turn: turn.turn,
    data: { ...endOf(turn), attempts: turn.attempt, reason, error },
  }
}

/** The events that end with a turn. */
export const endOf = ({ eventId, eventIds }: Pick<TurnFold, 'eventId' | 'eventIds'>) => ({
  event_id: eventId,
  ...(eventIds.length > 1 ? { event_ids: [...eventIds] } : {}),
})

const head = ({ process }: EndContext) => ({ process: process.name as ProcessName, epoch: process.epoch })

const divergence = (unasked: readonly string[]): RecordedError => ({
  code: 'TURN_DIVERGED',
  message: `after a crash the turn did not ask again for ${unasked.length} recorded outcome(s): ${unasked.slice(0, 5).join(', ')}`,
  details: { unasked: unasked.slice(0, 100) },
})

function sizeError({ result }: Completion): RecordedError | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(result ?? null))
  if (bytes > limits.resultBytes)
    return { code: 'TOO_LARGE', message: `the result has ${bytes} bytes, at most ${limits.resultBytes} are taken` }
  return undefined
}
