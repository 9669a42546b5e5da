import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Candidate } from './candidates.ts'

const order: readonly AcceptedEvent['priority'][] = ['high', undefined, 'low']

/** Those of high priority first, those of low priority last, and the others as they are. */
export function inPrecedence(process: ProcessFold, next: Iterable<Candidate>): Iterable<Candidate> {
  // Most mailboxes hold none, and thousands that wait are not looked through for it.
  if (process.prioritized === 0) return next
  const all = [...next]
  return order.flatMap((priority) => all.filter(({ events }) => events[0].priority === priority))
}
