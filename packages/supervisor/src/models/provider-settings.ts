import { type Price, priceOf } from '@vigil/governance'
import { type ModelProvider, VigilError } from '@vigil/protocol'
import type { SecretReference } from '../manifests/notice-target.ts'
import { type KnownProvider, knownProviders } from './providers.ts'
import { simulatedProvider } from './simulated.ts'

/** What the configuration says of a provider; what it does not say is as Vigil knows it. */
export interface ProviderConfiguration {
  /** Ends before `/chat/completions`. */
  readonly baseUrl?: string
  readonly apiKey?: SecretReference & { readonly fallback?: string }
  readonly headers?: Readonly<Record<string, string>>
  /** US dollars per million tokens, by the name of the model. */
  readonly prices?: 'free' | Readonly<Record<string, ModelPrice>>
  readonly timeoutMs?: number
  readonly idleTimeoutMs?: number
  readonly concurrency?: number
  readonly rateLimit?: { readonly count: number; readonly perMs: number }
  readonly maxRetries?: number
}

export interface ModelPrice {
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
}

export type Providers = Readonly<Record<string, ProviderConfiguration>>

/** All that is known of a provider, but for the bytes of its key. */
export interface ProviderSettings extends Omit<ModelProvider, 'key'> {
  readonly keySource?: SecretReference & { readonly fallback?: string }
  /** Nobody sends a bill. */
  readonly isFree: boolean
  readonly prices: Readonly<Record<string, Price>>
  /** The configuration says something of it. */
  readonly isConfigured: boolean
}

const defaults = { timeoutMs: 300_000, idleMs: 120_000, retries: 4, concurrency: 64 } as const

/** The providers that Vigil knows and those of the configuration, by name. */
export function providerSettings(
  configured: Providers,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, ProviderSettings> {
  for (const [name, given] of Object.entries(configured))
    if (!isComplete(name, given.baseUrl)) throw new VigilError('INVALID_CONFIG', providerProblem(name))
  const names = new Set([...Object.keys(knownProviders), ...Object.keys(configured)])
  return new Map(
    [...names].map((name) => [
      name,
      settingsOf(name, {
        known: known(name),
        given: configured[name] ?? {},
        configured: Object.hasOwn(configured, name),
        env,
      }),
    ]),
  )
}

/** What is wrong with a provider that has no base URL, or the name of what is built in. */
export const providerProblem = (name: string): string =>
  name === simulatedProvider
    ? 'expected a name of its own, found sim, which is built in'
    : `expected a base_url, because Vigil does not know ${name}; it knows ${Object.keys(knownProviders).join(', ')}`

export const isComplete = (name: string, baseUrl: string | undefined): boolean =>
  name !== simulatedProvider && (baseUrl !== undefined || known(name) !== undefined)

const known = (name: string): KnownProvider | undefined =>
  Object.hasOwn(knownProviders, name) ? knownProviders[name] : undefined

interface Sources {
  readonly known: KnownProvider | undefined
  readonly given: ProviderConfiguration
  readonly configured: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

function settingsOf(name: string, { known, given, configured, env }: Sources): ProviderSettings {
  const { prices = {}, rateLimit } = given
  const urlOfEnv = known?.urlVariable === undefined ? undefined : env[known.urlVariable] || undefined
  const keySource = given.apiKey ?? (known?.keyVariable === undefined ? undefined : { variable: known.keyVariable })
  return {
    name,
    baseUrl: (given.baseUrl ?? urlOfEnv ?? known?.baseUrl ?? '').replace(/\/+$/, ''),
    headers: given.headers ?? {},
    outputField: known?.outputField ?? 'max_completion_tokens',
    timeoutMs: given.timeoutMs ?? defaults.timeoutMs,
    idleMs: given.idleTimeoutMs ?? defaults.idleMs,
    retries: given.maxRetries ?? defaults.retries,
    concurrency: given.concurrency ?? defaults.concurrency,
    ...(rateLimit === undefined ? {} : { rate: rateLimit }),
    ...(keySource === undefined ? {} : { keySource }),
    isConfigured: configured,
    isFree: prices === 'free' || (known !== undefined && known.keyVariable === undefined),
    prices:
      prices === 'free'
        ? {}
        : Object.fromEntries(Object.entries(prices).map(([model, price]) => [model, rates(price)])),
  }
}

const perMillion = (dollars: number): number => Math.ceil(Number((dollars * 1_000_000).toPrecision(15)))

const rates = ({ input, output, cacheRead, cacheWrite }: ModelPrice): Price => ({
  input: perMillion(input),
  output: perMillion(output),
  ...(cacheRead === undefined ? {} : { cache_read: perMillion(cacheRead) }),
  ...(cacheWrite === undefined ? {} : { cache_write: perMillion(cacheWrite) }),
})

/** In the place of a name: all that have no price of their own. */
const anyModel = '*'

const free: Price = { input: 0, output: 0 }

/** As the table of prices calls them. */
const tableNames: Readonly<Record<string, string>> = { xai: 'x-ai' }

/** What the configuration says goes before what comes with Vigil. Undefined: such a call cannot be bounded. */
export function priceFor({ name, isFree, prices }: ProviderSettings, model: string): Price | undefined {
  if (Object.hasOwn(prices, model)) return prices[model]
  if (Object.hasOwn(prices, anyModel)) return prices[anyModel]
  return isFree ? free : priceOf(tableNames[name] ?? name, model)
}
