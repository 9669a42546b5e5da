import { hash } from 'node:crypto'
import { type LanguageModel, type ModelReply, type ModelRequest, VigilError } from '@vigil/protocol'
import type { EffectFold, TurnFold } from '../fold/process-fold.ts'
import type { CallSite, OutsideEffect } from '../gate/effect.ts'
import type { ModelCatalog } from './catalog.ts'
import { charged, modelSpent } from './charge.ts'
import { requestTokens } from './request-size.ts'
import { simulatedReply } from './simulated.ts'

export interface ModelEffectParts {
  readonly catalog: ModelCatalog
  readonly models: LanguageModel
}

/** `model.generate`: what it is asked stands in the record already, so its intent holds no more than the hash of it. */
export function generateEffect(parts: ModelEffectParts): OutsideEffect<'model.generate'> {
  return {
    decide(site, input) {
      const before = site.turn.effects.get(site.key)?.input as { readonly hash?: string } | undefined
      if (before?.hash !== undefined && before.hash !== hashOf(input))
        throw new VigilError('TURN_DIVERGED', `${site.key} was asked for something else before`)
    },
    intent(_site, input) {
      const { model, messages, purpose } = input
      return {
        model: parts.catalog.model(model).id,
        hash: hashOf(input),
        messages: messages.length,
        bytes: Buffer.byteLength(JSON.stringify(messages)),
        purpose,
      }
    },
    repeatable: () => true,
    rerun: () => true,
    keyed: () => false,
    spent: modelSpent,
    act: (site, input) => generate(parts, site, input),
  }
}

async function generate(
  { catalog, models }: ModelEffectParts,
  site: CallSite,
  request: ModelRequest,
): Promise<ModelReply> {
  const { name, provider, price } = catalog.model(request.model)
  if (provider === undefined) return simulated(site, name, request)
  const { purpose: _, ...asked } = request
  const most = { input: requestTokens(request), output: request.max_output_tokens }
  return await charged({ price, most }, async () => {
    const call = { ...asked, model: name, provider: await catalog.address(provider) }
    return await models.generate(call, new AbortController().signal)
  })
}

function simulated({ turn, key }: CallSite, name: string, request: ModelRequest): ModelReply {
  const rules = turn.thinking?.sim ?? []
  return simulatedReply({ name, rules, place: thoughtsBefore(turn, key), seed: `${turn.turn} ${key}` }, request)
}

/** Summaries are no part of what a script says. */
function thoughtsBefore({ effects }: TurnFold, key: string): number {
  const isThought = (effect: EffectFold): boolean =>
    effect.kind === 'model.generate' && (effect.input as { readonly purpose?: string }).purpose !== 'summary'
  return [...effects.values()].filter((effect) => effect.key !== key && isThought(effect)).length
}

/** Which tools are offered may change from one life to the next; what was said may not. */
const hashOf = ({ model, messages }: ModelRequest): string => hash('sha256', JSON.stringify([model, messages]))
