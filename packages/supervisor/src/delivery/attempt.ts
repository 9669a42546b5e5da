import type { RecordedEffect, RecordedError, ThrownError, ToolLeave } from '@vigil/protocol'
import type { EffectFold, TurnFold } from '../fold/process-fold.ts'
import { approvalKind } from '../fold/turn-fold.ts'
import type { Manifest } from '../manifests/manifest.ts'
import { backoff } from '../supervision/backoff.ts'

/** What follows an attempt that threw. */
export type AttemptDecision =
  | { readonly action: 'retry'; readonly delayMs: number }
  | { readonly action: 'dead_letter'; readonly reason: string }

/** The agent's own crashes for one event after which the event is poison. */
export const poisonCrashes = 2

/** Decides between another attempt and the dead letters. Pure: `jitter` in [0, 1). */
export function afterThrow(
  delivery: Manifest['delivery'],
  attempt: number,
  error: RecordedError,
  retry: boolean,
  jitter: number,
): AttemptDecision {
  if (error.code === 'TURN_DIVERGED') return { action: 'dead_letter', reason: 'diverged' }
  if (!retry) return { action: 'dead_letter', reason: 'not_retryable' }
  if (attempt > delivery.maxRetries) return { action: 'dead_letter', reason: 'retries_exhausted' }
  const waits = { baseMs: delivery.retryBackoffMs, maxMs: delivery.retryBackoffMaxMs }
  return { action: 'retry', delayMs: backoff(waits, attempt - 1, jitter) }
}

/** The error as it is recorded; a code of the agent's own making is kept. */
export function thrownBody(error: ThrownError): RecordedError {
  return {
    code: error.code ?? 'TURN_FAILED',
    message: error.name !== undefined && error.name !== 'Error' ? `${error.name}: ${error.message}` : error.message,
    ...(error.stack === undefined ? {} : { details: { stack: error.stack.slice(0, 4_000) } }),
  }
}

/** What no guest asks for: what people say of a call of its own, and vectors of what it stores and searches. */
const forTheGate: ReadonlySet<string> = new Set([approvalKind, 'model.embed'])

/**
 * What the guest is told about the past of its turn, in the order of the outcomes. It asks for everything else, also for an
 * intent without outcome: what becomes of that is an outcome of its own, and has its place behind those of before.
 */
export function recordedEffects(turn: TurnFold): RecordedEffect[] {
  const recorded: RecordedEffect[] = []
  for (const effect of turn.effects.values()) {
    const { key, kind, at, outcome, repeatable } = effect
    if (forTheGate.has(kind)) continue
    if (outcome !== undefined) recorded.push({ key, kind, at, outcome })
    // What happened inside was seen after the leave: a replay has to give them in the same order.
    else if (repeatable && (kind === 'step' || kind === 'tool'))
      recorded.push({
        key: `${key}/begun`,
        kind,
        at,
        outcome: 'begun',
        ...(kind === 'tool' ? { leave: leaveOf(effect) } : {}),
      })
  }
  return recorded
}

/** What the guest of a tool is told with the leave to run it, or was told in an earlier life. */
export function leaveOf({ input }: Pick<EffectFold, 'input'>): ToolLeave {
  const { name: _, ...granted } = input as ToolLeave & { readonly name: string }
  return granted
}
