import type { RouteId } from '@vigil/protocol'
import { type Answer, json } from './answer.ts'
import { readJson, readJsonOrYaml } from './body.ts'
import { acceptedView, triggerView } from './views.ts'

/** What people do with what wakes a process. */
export const triggerAnswers = {
  listTriggers: async ({ s, part }) => json(200, { triggers: (await s.get(part('name')).triggers()).map(triggerView) }),
  addTrigger: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { id, nextFire } = await agent.addTrigger(await readJsonOrYaml(request))
    return json(201, { trigger_id: id, ...(nextFire === undefined ? {} : { next_fire: nextFire }) })
  },
  removeTrigger: async ({ s, part }) => {
    await s.get(part('name')).removeTrigger(part('trigger_id'))
    return json(200, { trigger_id: part('trigger_id') })
  },
  fireTrigger: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { value } = await readJson(request)
    const fired = await agent.fire(part('trigger_id'), value ?? null)
    return json(202, fired.accepted ? acceptedView(fired) : fired)
  },
} satisfies Partial<Record<RouteId, Answer>>
