import type { Price } from '@vigil/governance'
import type { ModelProvider } from '@vigil/protocol'
import type { ProviderKeys } from './provider-keys.ts'
import { type ProviderSettings, priceFor } from './provider-settings.ts'
import { modelIdText, parseModelId } from './providers.ts'
import { simulatedProvider } from './simulated.ts'

/** Every model that can be named, and what is needed to ask it. */
export interface ModelCatalog {
  /** @throws MODEL_NOT_FOUND */
  model(id: string): NamedModel
  /** Why a call of this model would wait for its key; undefined: it would not, or nobody knows such a model. */
  missingKey(id: string): string | undefined
  /** With the key, for one call. @throws MODEL_KEY_MISSING */
  address(provider: ProviderSettings): Promise<ModelProvider>
  readonly providers: ReadonlyMap<string, ProviderSettings>
  /** When the keys were looked up first, ISO. */
  readonly since: string
}

/** A named model; without a provider it is simulated. */
export interface NamedModel {
  /** Canonical. */
  readonly id: string
  /** As its provider calls it. */
  readonly name: string
  readonly provider: ProviderSettings | undefined
  /** Undefined: nobody knows it. */
  readonly price: Price | undefined
}

export interface CatalogParts {
  readonly providers: ReadonlyMap<string, ProviderSettings>
  readonly keys: ProviderKeys
  readonly since: string
}

const nothing: Price = { input: 0, output: 0 }

export function modelCatalog({ providers, keys, since }: CatalogParts): ModelCatalog {
  const model: ModelCatalog['model'] = (text) => {
    const id = parseModelId(text, providers.keys())
    const provider = id.provider === simulatedProvider ? undefined : providers.get(id.provider)
    const price = provider === undefined ? nothing : priceFor(provider, id.name)
    return { id: modelIdText(id), name: id.name, provider, price }
  }
  return {
    providers,
    since,
    model,
    missingKey(id) {
      try {
        const { provider } = model(id)
        return provider === undefined ? undefined : keys.missing(provider.name)
      } catch {
        return undefined
      }
    },
    async address({ keySource, isFree: _, prices: __, isConfigured: ___, ...provider }) {
      const key = keySource === undefined ? undefined : await keys.take(provider.name)
      return key === undefined ? provider : { ...provider, key }
    },
  }
}
