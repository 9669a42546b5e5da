import table from './price-table.json' with { type: 'json' }

/** Micro-dollars per million tokens; `call` is for the call itself. */
export interface Rates {
  readonly input: number
  readonly output: number
  /** Absent: as `input`. */
  readonly cache_read?: number
  readonly cache_write?: number
  /** What is to stay there for an hour. Absent: as `cache_write`. */
  readonly cache_write_1h?: number
  readonly call?: number
}

/** What a model costs. */
export interface Price extends Rates {
  /** A call with more input tokens than this has these rates, for all of its tokens. Ascending. */
  readonly above?: readonly (Rates & { readonly tokens: number })[]
}

/** Tokens of one call. `input` is all of them; those that were read from a cache or written to one are each a part of it. */
export interface Usage {
  readonly input: number
  readonly output: number
  readonly cache_read?: number
  readonly cache_write?: number
  readonly cache_write_1h?: number
}

interface Row extends Price {
  /** Regular expression over the name in small letters. */
  readonly model: string
}

/** Day of the prices that come with Vigil. */
export const pricesOf: string = table.date

const providers: Readonly<Record<string, readonly Row[]>> = table.providers

/**
 * The price that comes with Vigil, or undefined: such a call cannot be bounded.
 *
 * @example priceOf('openai', 'gpt-5-mini') // { input: 250000, output: 2000000, cache_read: 25000 }
 */
export function priceOf(provider: string, model: string): Price | undefined {
  const rows = Object.hasOwn(providers, provider) ? providers[provider] : undefined
  const name = model.toLowerCase()
  const row = rows?.find((each) => new RegExp(each.model).test(name))
  if (row === undefined) return undefined
  const { model: _, ...price } = row
  return price
}

const perTokens = 1_000_000

/** Micro-dollars of one call, a part of one counted as a whole one. Tiers go by call: the sum of two calls has no tier. */
export function costOf(
  price: Price,
  { input, output, cache_read = 0, cache_write = 0, cache_write_1h = 0 }: Usage,
): number {
  const rates = price.above?.findLast(({ tokens }) => input > tokens) ?? price
  const plain = Math.max(0, input - cache_read - cache_write - cache_write_1h)
  const written = rates.cache_write ?? rates.input
  const millionths =
    plain * rates.input +
    cache_read * (rates.cache_read ?? rates.input) +
    cache_write * written +
    cache_write_1h * (rates.cache_write_1h ?? written) +
    output * rates.output
  return Math.ceil(millionths / perTokens) + (rates.call ?? 0)
}

/** No call with at most so many tokens costs more, however they are cached. */
export function worstCost(price: Price, most: { readonly input: number; readonly output: number }): number {
  const tiers: readonly Rates[] = [price, ...(price.above ?? []).filter(({ tokens }) => most.input > tokens)]
  const dearest = ({ input, output, cache_read = 0, cache_write = 0, cache_write_1h = 0, call = 0 }: Rates): number => {
    const perInput = Math.max(input, cache_read, cache_write, cache_write_1h)
    return Math.ceil((most.input * perInput + most.output * output) / perTokens) + call
  }
  return Math.max(...tiers.map(dearest))
}
