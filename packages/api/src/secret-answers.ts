import { type RouteId, secretPatchSchema, VigilError } from '@vigil/protocol'
import { type Answer, checked, given, json } from './answer.ts'
import { readJson, readSecret } from './body.ts'
import { duration, durationOf } from './query.ts'
import { secretView } from './views.ts'

const longestTtlMs = 7 * 24 * 3_600_000

const revoke: Answer = async ({ s, part, caller }) => {
  const agent = s.get(part('name'))
  return json(200, { revoked: await agent.revokeSecrets(part('secret') || undefined, caller.name) })
}

/** What people do with secrets: nothing here gives back a value but that of one which Vigil made itself. */
export const secretAnswers = {
  listSecrets: async ({ s, part }) => json(200, { secrets: (await s.get(part('name')).secrets()).map(secretView) }),
  setSecret: async ({ s, part, query, caller, ...call }) => {
    const agent = s.get(part('name'))
    const options = { ...given({ ttl: duration(query, 'ttl', longestTtlMs) }), by: caller.name }
    return json(200, secretView(await agent.setSecret(part('secret'), await readSecret(call), options)))
  },
  patchSecret: async ({ s, part, request, caller }) => {
    const agent = s.get(part('name'))
    const { value, ttl } = checked(secretPatchSchema, (await readJson(request)).value, '{ "value": "…", "ttl": "1h" }')
    const name = part('secret')
    if (!(await agent.secrets()).some((secret) => secret.name === name))
      throw new VigilError('SECRET_NOT_FOUND', `${agent.name} has no secret ${name}; PUT makes one`)
    const options = { ...given({ ttl: durationOf(ttl, 'ttl', longestTtlMs) }), by: caller.name }
    return json(200, secretView(await agent.setSecret(name, new TextEncoder().encode(value), options)))
  },
  revokeSecret: revoke,
  revokeSecrets: revoke,
  revealSecret: async ({ s, part, caller }) => {
    const name = part('secret')
    return json(200, { name, ...(await s.get(part('name')).revealSecret(name, caller.name)) })
  },
} satisfies Partial<Record<RouteId, Answer>>
