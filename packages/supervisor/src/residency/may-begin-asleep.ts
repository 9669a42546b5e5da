import type { ProcessFold } from '../fold/process-fold.ts'
import { waitsForPerson } from '../fold/turn-fold.ts'
import { waitingEvents } from '../fold/waiting-lines.ts'

/**
 * Whether a process may come up without a life. Only what has shown before that it comes up, with this very code, and has
 * nothing to do: else its first life says what is wrong with it while somebody looks. Who waits for a person has nothing to do.
 */
export const mayBeginAsleep = (process: ProcessFold): boolean =>
  process.manifest.hibernateAfterMs > 0 &&
  process.described === process.bundle &&
  [...process.turns.values()].every(waitsForPerson) &&
  waitingEvents(process).next().done === true
