import { type RouteId, requestDecisionSchema } from '@vigil/protocol'
import { type Answer, checked, given, json } from './answer.ts'
import { readJson } from './body.ts'
import { oneOf } from './query.ts'
import { requestView } from './views.ts'

const kinds = ['approval', 'question', 'budget'] as const

const list: Answer = async ({ s, query }) => {
  const wanted = { kind: oneOf(query, 'kind', kinds), process: query.get('process') ?? undefined }
  return json(200, { requests: (await s.requests(given(wanted))).map(requestView) })
}

const decide: Answer = async ({ s, part, request, caller }) => {
  const { value } = await readJson(request)
  const form = '{ "decision": "approve" | "deny", "edits": …, "reason": … } or { "answer": … }'
  await s.decide(part('id'), given(checked(requestDecisionSchema, value, form)), caller.name)
  return json(200, { id: part('id') })
}

/** What turns ask people for, and what people say. */
export const requestAnswers = {
  listRequests: list,
  listApprovals: list,
  decideRequest: decide,
  decideApproval: decide,
} satisfies Partial<Record<RouteId, Answer>>
