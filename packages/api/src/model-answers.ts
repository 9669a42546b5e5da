import type { ModelsView, RouteId } from '@vigil/protocol'
import type { ModelSurvey } from '@vigil/supervisor'
import { type Answer, json } from './answer.ts'
import { oneOf } from './query.ts'

/** What agents think with. */
export const modelAnswers = {
  getModels: async ({ s, query }) => {
    const probes = oneOf(query, 'check', ['true', 'false']) === 'true'
    return json(200, modelsView(await s.models({ probes })))
  },
} satisfies Partial<Record<RouteId, Answer>>

const modelsView = ({ pricesOf, models, providers }: ModelSurvey): ModelsView => ({
  prices_of: pricesOf,
  models: models.map((each) => ({ ...each })),
  providers: providers.map(({ baseUrl, ...each }) => ({ ...each, base_url: baseUrl })),
})
