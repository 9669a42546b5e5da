import { type ExitCause, isNormalExit } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'

/** What is remembered of the lives of one process, beside what its supervisor counts. */
export interface LifeHistory {
  /** Lives in a row in which nothing was recorded. */
  readonly withoutProgress: number
  /** Exits with cause `failures` since somebody last started the process. */
  readonly failureExits: number
}

export const newHistory: LifeHistory = { withoutProgress: 0, failureExits: 0 }

/** One life that ended by itself. */
export interface LifeEnd {
  readonly cause: ExitCause
  /** Did this life record an outcome or the end of a turn? */
  readonly progressed: boolean
}

export type ExitVerdict =
  /** As its supervisor decides. */
  { readonly is: 'supervised' } | { readonly is: 'stopped' } | { readonly is: 'parked'; readonly reason: string }

/** What a supervisor cannot see and what ends a process all the same. Pure. */
export function afterExit(
  policy: Manifest,
  history: LifeHistory,
  { cause, progressed }: LifeEnd,
): { readonly history: LifeHistory; readonly verdict: ExitVerdict } {
  const withoutProgress = progressed ? 0 : history.withoutProgress + 1
  const failureExits = history.failureExits + (cause.kind === 'failures' ? 1 : 0)
  const isNormal = isNormalExit(cause)
  const verdict = ((): ExitVerdict => {
    if (isNormal && policy.restartPolicy !== 'always') return { is: 'stopped' }
    if (policy.restartPolicy === 'never') return { is: 'parked', reason: 'restart_policy is never' }
    if (failureExits > 1) return { is: 'parked', reason: 'a dead letter came after the one restart for failures' }
    if (withoutProgress > policy.maxRestartsWithoutProgress)
      return { is: 'parked', reason: `${withoutProgress} restarts in a row without progress` }
    return { is: 'supervised' }
  })()
  return { history: { withoutProgress, failureExits }, verdict }
}
