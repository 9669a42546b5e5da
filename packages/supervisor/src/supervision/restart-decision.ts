import { type ExitCause, isNormalExit } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import { countRestart, emptyWindow, type RestartWindow } from './restart-window.ts'

/** What the implicit supervisor of one process remembers between two lives. */
export interface RestartHistory {
  readonly window: RestartWindow
  /** Sum of all lives so far, milliseconds. */
  readonly aliveMs: number
  /** Restarts in a row without one stable life: the exponent of the backoff. */
  readonly streak: number
  /** Restarts in a row during which nothing was recorded. */
  readonly withoutProgress: number
  /** Exits with cause `failures` since somebody last started the process. */
  readonly failureExits: number
}

export const newHistory: RestartHistory = {
  window: emptyWindow,
  aliveMs: 0,
  streak: 0,
  withoutProgress: 0,
  failureExits: 0,
}

/** One life that ended by itself. */
export interface LifeEnd {
  readonly cause: ExitCause
  readonly aliveMs: number
  /** Did this life record an outcome or the end of a turn? */
  readonly progressed: boolean
}

export type RestartDecision =
  | { readonly action: 'restart'; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly action: 'stop'; readonly history: RestartHistory }
  | { readonly action: 'park'; readonly reason: string; readonly history: RestartHistory }

const backoffCapMs = 60_000

/** Decides what follows an exit. Pure: `jitter` in [0, 1) is drawn by the caller. */
export function decideRestart(
  policy: Manifest,
  history: RestartHistory,
  end: LifeEnd,
  jitter: number,
): RestartDecision {
  const aliveMs = history.aliveMs + end.aliveMs
  const stable = end.aliveMs >= policy.stableAfterMs
  const streak = stable ? 0 : history.streak
  const withoutProgress = end.progressed ? 0 : history.withoutProgress + 1
  const failureExits = history.failureExits + (end.cause.kind === 'failures' ? 1 : 0)
  const after: RestartHistory = { ...history, aliveMs, streak, withoutProgress, failureExits }

  const normal = isNormalExit(end.cause)
  if (policy.restartPolicy === 'never' || (policy.restartPolicy === 'on_failure' && normal)) {
    return normal
      ? { action: 'stop', history: after }
      : { action: 'park', reason: `restart_policy is ${policy.restartPolicy}`, history: after }
  }
  if (failureExits > 1)
    return { action: 'park', reason: 'a dead letter came after the one restart for failures', history: after }
  if (withoutProgress > policy.maxRestartsWithoutProgress) {
    return { action: 'park', reason: `${withoutProgress} restarts in a row without progress`, history: after }
  }
  const { window, exceeded } = countRestart(history.window, aliveMs, {
    maxRestarts: policy.maxRestarts,
    periodMs: policy.restartWindowMs,
  })
  const counted = { ...after, window }
  if (exceeded) {
    return {
      action: 'park',
      reason: `more than ${policy.maxRestarts} restarts within ${policy.restartWindowMs / 1_000} s alive`,
      history: counted,
    }
  }
  return {
    action: 'restart',
    delayMs: backoff(policy.restartBackoffMs, streak, jitter),
    history: { ...counted, streak: streak + 1 },
  }
}

/** Doubles from the base up to a minute, then takes away up to a quarter, so that a fleet does not come back in step. */
export function backoff(baseMs: number, streak: number, jitter: number, capMs: number = backoffCapMs): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(streak, 30))
  return Math.round(full * (1 - jitter / 4))
}
