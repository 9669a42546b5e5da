import { grantSchema, type RouteId, VigilError } from '@vigil/protocol'
import { type Answer, checked, json } from './answer.ts'
import { readJson } from './body.ts'
import { spendView, turnSpendView } from './budget-views.ts'

/** Limits that people change, and what was spent. */
export const budgetAnswers = {
  patchBudget: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const ifRevision = revisionOf(request)
    const { value } = await readJson(request)
    const { name, revision } = await agent.changeBudget(value as Readonly<Record<string, unknown>>, { ifRevision })
    return json(200, { name, effective_from: 'now', revision })
  },
  grantBudget: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { usd } = checked(grantSchema, (await readJson(request)).value, '{ "usd": 5 }')
    const { name, revision } = await agent.grantBudget(usd)
    return json(200, { name, effective_from: 'now', revision })
  },
  getSpend: async ({ s, query }) => {
    const [process, turn] = [query.get('process'), query.get('turn')]
    if (process === null) {
      if (turn !== null)
        throw new VigilError('INVALID_ARGUMENT', 'expected the process of the turn in process, found none')
      return json(200, spendView(await s.spend()))
    }
    const agent = s.get(process)
    if (turn !== null) return json(200, turnSpendView(await agent.turnSpend(turn)))
    return json(200, spendView(await s.spend((name) => name === agent.name)))
  },
  confirmClock: async ({ s, caller }) => {
    await s.confirmClock(caller.name)
    return json(200, { confirmed: true })
  },
} satisfies Partial<Record<RouteId, Answer>>

function revisionOf({ headers }: Request): number | undefined {
  const given = headers.get('if-match')
  if (given === null) return undefined
  const revision = /^"?(\d{1,15})"?$/.exec(given)?.[1]
  if (revision === undefined)
    throw new VigilError(
      'INVALID_ARGUMENT',
      `expected the number of a revision in If-Match, found ${given.slice(0, 40)}`,
    )
  return Number(revision)
}
