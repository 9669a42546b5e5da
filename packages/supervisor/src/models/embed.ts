import { hash } from 'node:crypto'
import type { EmbedReply, EmbedRequest } from '@vigil/protocol'
import type { OutsideEffect } from '../gate/effect.ts'
import { charged, modelSpent } from './charge.ts'
import type { ModelEffectParts } from './generate.ts'
import { requestTokens } from './request-size.ts'
import { simulatedVectors } from './simulated-vectors.ts'

export interface EmbedEffectParts extends ModelEffectParts {
  /** Whoever asked for vectors puts them where they belong, in one batch with the outcome: then no crash has them paid for again. */
  readonly beside: NonNullable<OutsideEffect<'model.embed'>['beside']>
}

/** `model.embed`: texts become vectors. */
export function embedEffect(parts: EmbedEffectParts): OutsideEffect<'model.embed'> {
  return {
    decide: () => undefined,
    intent: (_site, { model, texts }) => ({
      model: parts.catalog.model(model).id,
      hash: hash('sha256', JSON.stringify([model, texts])),
      texts: texts.length,
      bytes: requestTokens({ texts }),
    }),
    repeatable: () => true,
    rerun: () => true,
    keyed: () => false,
    spent: modelSpent,
    beside: parts.beside,
    act: (_site, input) => embedTexts(parts, input),
  }
}

async function embedTexts({ catalog, models }: ModelEffectParts, { model, texts }: EmbedRequest): Promise<EmbedReply> {
  const { name, provider, price } = catalog.model(model)
  if (provider === undefined) return simulatedVectors(name, texts)
  return await charged({ price, most: { input: requestTokens({ texts }), output: 0 } }, async () =>
    models.embed({ model: name, texts, provider: await catalog.address(provider) }, new AbortController().signal),
  )
}
