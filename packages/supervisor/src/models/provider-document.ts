import { resolve } from 'node:path'
import type { ProviderDocument } from '@vigil/protocol'
import type { ModelPrice, ProviderConfiguration, Providers } from './provider-settings.ts'

/** Whether a place of the configuration holds the reference to a key, which is looked up when it is used. */
export const isProviderKey = (path: readonly (string | number)[]): boolean =>
  (path[0] === 'providers' || path[0] === 'models') && path[2] === 'api_key' && path[3] !== 'file'

/** Files with keys stand on `baseDirectory`. */
export const providersOf = (document: Readonly<Record<string, ProviderDocument>>, baseDirectory: string): Providers =>
  Object.fromEntries(Object.entries(document).map(([name, each]) => [name, providerOf(each, baseDirectory)]))

function providerOf(document: ProviderDocument, baseDirectory: string): ProviderConfiguration {
  const { base_url: baseUrl, api_key: key, headers, prices, timeout, idle_timeout: idle, rate_limit: rate } = document
  const { concurrency, max_retries: maxRetries } = document
  return {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(key === undefined ? {} : { apiKey: keyOf(key, baseDirectory) }),
    headers,
    ...(prices === undefined ? {} : { prices: pricesOf(prices) }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(idle === undefined ? {} : { idleTimeoutMs: idle }),
    concurrency,
    ...(rate === undefined ? {} : { rateLimit: { count: rate.count, perMs: rate.per_ms } }),
    maxRetries,
  }
}

function keyOf(
  key: NonNullable<ProviderDocument['api_key']>,
  baseDirectory: string,
): NonNullable<ProviderConfiguration['apiKey']> {
  if (typeof key !== 'string') return { file: resolve(baseDirectory, key.file) }
  const [, variable = '', fallback] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$/.exec(key) ?? []
  return { variable, ...(fallback === undefined ? {} : { fallback }) }
}

const pricesOf = (prices: NonNullable<ProviderDocument['prices']>): NonNullable<ProviderConfiguration['prices']> =>
  prices === 'free' ? prices : Object.fromEntries(Object.entries(prices).map(([model, each]) => [model, priceOf(each)]))

const priceOf = ({
  input,
  output,
  cache_read: cacheRead,
  cache_write: cacheWrite,
}: Exclude<NonNullable<ProviderDocument['prices']>, 'free'>[string]): ModelPrice => ({
  ...{ input, output },
  ...(cacheRead === undefined ? {} : { cacheRead }),
  ...(cacheWrite === undefined ? {} : { cacheWrite }),
})
