import { doubtDecisionSchema, type RouteId, redeliverySchema, VigilError } from '@vigil/protocol'
import type { Answer } from './answer.ts'
import { checked, given, json } from './answer.ts'
import { readJson } from './body.ts'
import { oneOf, wholeNumber } from './query.ts'
import { deadLetterView, doubtView, entryView, turnSummaryView } from './views.ts'

const states = [
  'waiting',
  'running',
  'suspended',
  'retrying',
  'awaiting',
  'completed',
  'dead_lettered',
  'cancelled',
] as const
const longestTurn = 1_000

/** What people ask about turns, and what they do with those that did not end well. */
export const turnAnswers = {
  listTurns: async ({ s, part, query }) => {
    const limit = wholeNumber(query, 'limit', { min: 1, max: 1_000 })
    const turns = await s.get(part('name')).turns(given({ limit, state: oneOf(query, 'state', states) }))
    return json(200, { turns: turns.map(turnSummaryView) })
  },
  getTurn: async ({ s, part }) => {
    const turn = part('turn')
    const { records } = await s.get(part('name')).journal({ turn, limit: longestTurn, order: 'oldest_first' })
    if (records.length === 0) throw new VigilError('TURN_NOT_FOUND', `"${part('name')}" has no turn ${turn} on record`)
    return json(200, { turn, entries: records.map(entryView) })
  },
  cancelTurn: async ({ s, part }) => {
    await s.get(part('name')).cancel(part('turn'), 'cancelled by an operator')
    return json(200, { turn: part('turn') })
  },
  listDeadLetters: async ({ s, part }) =>
    json(200, { dead_letters: (await s.get(part('name')).deadLetters()).map(deadLetterView) }),
  redeliverDeadLetters: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { event_ids } = checked(redeliverySchema, (await readJson(request)).value ?? {}, '{ "event_ids": [id, …] }')
    return json(202, { event_ids: await agent.redeliver(event_ids) })
  },
  discardDeadLetters: async ({ s, part, query }) => {
    const named = query.getAll('event_id')
    return json(200, { discarded: await s.get(part('name')).discard(named.length === 0 ? undefined : named) })
  },
  listDoubts: async ({ s }) => json(200, { doubts: (await s.doubts()).map(doubtView) }),
  resolveDoubt: async ({ s, part, request }) => {
    const { value } = await readJson(request)
    const form = '{ "outcome": "done" | "not_done" | "retry", "result": … }'
    await s.resolveDoubt(part('id'), checked(doubtDecisionSchema, value, form))
    return json(200, { id: part('id') })
  },
} satisfies Partial<Record<RouteId, Answer>>
