import type { ProcessFold } from './fold/process-fold.ts'
import { requestWords } from './fold/request-fold.ts'

/** Something that goes on only when a person looks at it. */
export interface Attention {
  readonly what: string
  readonly since: string
}

export function attentionOf(process: ProcessFold): Attention[] {
  const { turns, requests, notices, budgetPause } = process
  return [
    ...[...requests.values()].map((open) => ({ what: `waits for ${requestWords([open])}`, since: open.at })),
    ...[...turns.values()].flatMap(({ turn, parked }) =>
      parked === undefined ? [] : [{ what: `turn ${turn} is in doubt`, since: parked.at }],
    ),
    ...(budgetPause?.told === undefined
      ? []
      : [
          {
            what: `waits for its budget: the ${budgetPause.per} of ${budgetPause.owner} has no room`,
            since: budgetPause.at,
          },
        ]),
    ...[...notices.values()]
      .filter(({ failed }) => failed > 0)
      .map(({ id, at, failed, error, isLost }) => ({
        what: `notice ${id} is ${isLost ? 'given up' : 'not taken'} after ${failed} tries: ${error?.message}`,
        since: at,
      })),
  ]
}
