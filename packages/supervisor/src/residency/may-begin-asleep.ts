import type { ProcessFold } from '../fold/process-fold.ts'

/**
 * Whether a process may come up without a life. Only what has shown before that it comes up, with this very code, and has
 * nothing to do: else its first life says what is wrong with it while somebody looks.
 */
export const mayBeginAsleep = ({ manifest, described, bundle, mailbox, turns }: ProcessFold): boolean =>
  manifest.hibernateAfterMs > 0 &&
  described === bundle &&
  mailbox.size === turns.size &&
  [...turns.values()].every((turn) => turn.parked !== undefined)
