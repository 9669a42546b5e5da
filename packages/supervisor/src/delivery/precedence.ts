import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'

const order: readonly AcceptedEvent['priority'][] = ['high', undefined, 'low']

interface Taking {
  readonly events: readonly [AcceptedEvent, ...AcceptedEvent[]]
}

/** Those of high priority first, those of low priority last, and the others as they are. */
export function inPrecedence<T extends Taking>(process: ProcessFold, next: Iterable<T>): Iterable<T> {
  // Most mailboxes hold none, and thousands that wait are not looked through for it.
  if (process.prioritized === 0) return next
  const all = [...next]
  return order.flatMap((priority) => all.filter(({ events }) => events[0].priority === priority))
}
