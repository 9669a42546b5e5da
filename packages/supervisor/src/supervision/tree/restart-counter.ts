import { countRestart, emptyWindow } from '../restart-window.ts'
import type { SupervisorFlags } from './child-spec.ts'

/** Counts the restarts of one supervisor over time alive: time in which a child backs off must not make a crash loop look slow. */
export interface RestartCounter {
  /** So many children back off from now on. */
  backingOff(count: number, at: number): void
  /** Whether one more now is one too many. */
  exceeds(at: number, flags: SupervisorFlags): boolean
  /** Counts one more; answers as `exceeds`. */
  count(at: number, flags: SupervisorFlags): boolean
}

export function restartCounter(): RestartCounter {
  let window = emptyWindow
  let pausedMs = 0
  let pausedSince: number | undefined

  const counted = (at: number, { intensity, periodMs }: SupervisorFlags) => {
    const aliveMs = (pausedSince ?? at) - pausedMs
    return countRestart(window, aliveMs, { maxRestarts: intensity, periodMs })
  }

  return {
    backingOff(count, at) {
      if (count > 0) pausedSince ??= at
      else if (pausedSince !== undefined) {
        pausedMs += at - pausedSince
        pausedSince = undefined
      }
    },
    exceeds: (at, flags) => counted(at, flags).exceeded,
    count(at, flags) {
      const next = counted(at, flags)
      window = next.window
      return next.exceeded
    },
  }
}
