import { type ExitCause, isNormalExit } from '@vigil/protocol'
import type { ChildSpec, SupervisorFlags } from './child-spec.ts'

/** What follows when a child has ended by itself. */
export type Verdict = 'restart' | 'keep' | 'forget'

export function verdictOn({ restart }: ChildSpec, cause: ExitCause): Verdict {
  if (restart === 'temporary') return 'forget'
  if (restart === 'permanent' || !isNormalExit(cause)) return 'restart'
  return 'keep'
}

/** A permanent child never ends in good order: each end is told. */
export const isWorthTelling = ({ restart }: ChildSpec, cause: ExitCause): boolean =>
  restart === 'permanent' || !isNormalExit(cause)

/** Who was asked to end and did so otherwise. `normal` is no obedience of a permanent child. */
export const disobeyed = ({ restart, shutdown }: ChildSpec, cause: ExitCause): boolean => {
  if (shutdown === 'kill' && cause.kind === 'signal') return false
  return cause.kind !== 'shutdown' && !(cause.kind === 'normal' && restart !== 'permanent')
}

/** Whether the end of a significant child ends its supervisor. `others`: are significant and not over; asked only if it matters. */
export function endsSupervisor(
  mode: SupervisorFlags['autoShutdown'],
  child: ChildSpec,
  others: () => boolean,
): boolean {
  if (!child.significant || mode === 'never') return false
  return mode === 'any_significant' || !others()
}
