import { forkSchema, type RouteId, rewindSchema } from '@vigil/protocol'
import type { Moment } from '@vigil/supervisor'
import { type Answer, checked, json } from './answer.ts'
import { readJson } from './body.ts'

/** What people do with the past of a process. */
export const historyAnswers = {
  replayTurn: async ({ s, part }) => json(200, await s.get(part('name')).replay(part('turn'))),
  rewindProcess: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { value } = await readJson(request)
    const { to, dry_run: dryRun } = checked(rewindSchema, value, '{ "to": n | turn | time, "dry_run": true }')
    return json(200, await agent.rewind(momentOf(to), { dryRun }))
  },
  forkProcess: async ({ s, part, request }) => {
    const agent = s.get(part('name'))
    const { value } = await readJson(request)
    const { name, at } = checked(forkSchema, value, '{ "name": name, "at": n | turn | time }')
    const fork = await agent.fork(name, at === undefined ? undefined : momentOf(at))
    return json(201, { name: fork.name, state: fork.state })
  },
} satisfies Partial<Record<RouteId, Answer>>

/** A whole number is a record, what reads like a date a time, anything else a turn. */
function momentOf(given: number | string): Moment {
  if (typeof given === 'number' || /^\d+$/.test(given)) return { n: Number(given) }
  const isTime = /^\d{4}-\d{2}-\d{2}/.test(given) && !Number.isNaN(Date.parse(given))
  return isTime ? { at: new Date(Date.parse(given)).toISOString() } : { turn: given }
}
