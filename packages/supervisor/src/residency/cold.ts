import type { Clock, Timer } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'

/** Ten minutes, or as long as a restart can still count: after that a sleeper's supervisor knows nothing that a new one would not. */
export const coldAfterMs = ({
  restartWindowMs,
  stableAfterMs,
}: Pick<Manifest, 'restartWindowMs' | 'stableAfterMs'>): number => Math.max(600_000, restartWindowMs, stableAfterMs)

/** Runs from the moment that a process falls asleep. */
export function coolingTimer(clock: Clock, cold: () => void) {
  let timer: Timer | undefined
  const cancel = (): void => {
    timer?.cancel()
    timer = undefined
  }
  return {
    in(ms: number): void {
      cancel()
      timer = clock.setTimer(ms, () => {
        timer = undefined
        cold()
      })
    },
    cancel,
  }
}
