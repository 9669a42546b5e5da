import type { RouteId } from '@vigil/protocol'
import { type Answer, given, json } from './answer.ts'
import { wholeNumber } from './query.ts'

/** What people do with what an agent remembers. */
export const memoryAnswers = {
  getMemory: async ({ s, part, query }) => {
    const limit = wholeNumber(query, 'limit', { min: 1, max: 1_000 }) ?? 100
    const words = { query: query.get('q') ?? undefined, cursor: query.get('cursor') ?? undefined }
    return json(200, await s.get(part('name')).memory({ limit, ...given(words) }))
  },
  forgetMemory: async ({ s, part, caller }) => {
    const id = part('id')
    await s.get(part('name')).forgetMemory(id, caller.name)
    return json(200, { id })
  },
} satisfies Partial<Record<RouteId, Answer>>
