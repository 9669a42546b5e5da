import type { ModelProvider } from '@vigil/protocol'
import OpenAI from 'openai'

/** What a call tells the client beside its request. */
export type RequestWay = NonNullable<Parameters<OpenAI['embeddings']['create']>[1]>

/** The client hands on what it does not know to whoever fetches. */
interface WithFetcher {
  readonly fetcher?: typeof fetch
}

/** How one call leaves the house. */
export const wayOut = (fetcher: typeof fetch, signal: AbortSignal): RequestWay => ({
  signal,
  fetchOptions: { fetcher } as RequestWay['fetchOptions'] & WithFetcher,
})

/**
 * Making a client takes as long as what else is done for a call, so one serves all calls of a provider, and each call brings its own way
 * out of the house.
 */
export function chatClients(): (provider: ModelProvider) => OpenAI {
  const made = new Map<string, { readonly of: string; readonly client: OpenAI }>()
  return (provider) => {
    const { name, baseUrl, headers, key } = provider
    // A provider changes with its configuration or its key; what was made for the old one is dropped.
    const of = JSON.stringify([baseUrl, headers, key?.placeholder])
    const known = made.get(name)
    if (known?.of === of) return known.client
    const client = newClient(provider)
    made.set(name, { of, client })
    return client
  }
}

const newClient = ({ baseUrl, headers, key }: ModelProvider): OpenAI =>
  new OpenAI({
    apiKey: key?.placeholder ?? 'none',
    baseURL: baseUrl,
    organization: null,
    project: null,
    defaultHeaders: { ...(key === undefined ? { authorization: null } : {}), ...headers },
    // Core tries again, and measures time.
    maxRetries: 0,
    timeout: 2 ** 31 - 1,
    logLevel: 'off',
    fetch(url, init) {
      const { fetcher } = (init ?? {}) as WithFetcher
      if (fetcher === undefined) throw new Error('expected a call that brings its way out')
      return fetcher(url, init)
    },
  })
