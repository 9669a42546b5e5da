import { type Amounts, worstCost } from '@vigil/governance'
import { type EmbedRequest, errorCode, type ModelRequest, VigilError } from '@vigil/protocol'
import type { World } from '../fold/world.ts'
import type { Decider } from '../gate/decide.ts'
import { limitsCost } from '../ledger/ledger.ts'
import type { ModelCatalog, NamedModel } from './catalog.ts'
import { keyMissing } from './provider-keys.ts'
import { requestTokens } from './request-size.ts'

/** Is there such a model, with a key and a price? The worst that a call of it can cost is proposed to those who keep the money. */
export function modelDecider(catalog: ModelCatalog, world: World): Decider {
  return ({ site: { process }, kind, input }) => {
    if (kind !== 'model.generate' && kind !== 'model.embed') return undefined
    const request = input as ModelRequest | EmbedRequest
    try {
      const model = catalog.model(request.model)
      const why = catalog.missingKey(request.model)
      if (why !== undefined && model.provider !== undefined) throw keyMissing(model.provider.name, why)
      if (model.price === undefined && limitsCost(world, process)) throw unpriced(model, process.name)
      return { verdict: 'go', reserve: worstOf(model, request) }
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      return { verdict: 'refuse', error: error as VigilError }
    }
  }
}

function worstOf({ price }: NamedModel, request: ModelRequest | EmbedRequest): Amounts {
  const input = requestTokens(request)
  const output = 'texts' in request ? 0 : request.max_output_tokens
  const usd = price === undefined ? 0 : worstCost(price, { input, output })
  return { model_calls: 1, tokens: input + output, ...(usd === 0 ? {} : { usd }) }
}

function unpriced({ id, name, provider }: NamedModel, process: string): VigilError {
  const line = `providers: { ${provider?.name}: { prices: { "${name}": { input: 1.0, output: 4.0 } } } }`
  return new VigilError(
    'MODEL_UNPRICED',
    `nobody knows what ${id} costs, and "${process}" has a limit in dollars; add its dollars per million tokens to vigil.yaml: ${line}`,
  )
}
