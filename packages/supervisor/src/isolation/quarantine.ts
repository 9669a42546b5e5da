import type { Clock } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'

/**
 * Whether the next life of an agent has to be alone. A cell that dies with several agents in it tells nothing about guilt; who
 * had a turn open, or is there again when the next cell dies, sits alone until that is settled, so that whoever is guilty is
 * found and charged, and nobody else.
 */
export interface Quarantine {
  /** Its cell died with others. */
  lost(): void
  readonly applies: boolean
}

export function quarantineOf(fold: ProcessFold, clock: Clock): Quarantine {
  let lostAtMs = Number.NEGATIVE_INFINITY
  let untilMs = Number.NEGATIVE_INFINITY
  return {
    lost() {
      const now = clock.monotonic()
      if (now - lostAtMs <= fold.manifest.restartWindowMs) untilMs = now + fold.manifest.restartWindowMs
      lostAtMs = now
    },
    get applies() {
      return clock.monotonic() < untilMs || [...fold.turns.values()].some((turn) => turn.quarantined)
    },
  }
}
