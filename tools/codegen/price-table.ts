import { findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices'
import { fromDollars } from '@vigil/governance'

/** Those that speak the protocol of OpenAI, or stand behind one that does. */
export const providerIds = [
  'anthropic',
  'avian',
  'aws',
  'azure',
  'cerebras',
  'cohere',
  'deepseek',
  'fireworks',
  'google',
  'groq',
  'minimax',
  'mistral',
  'moonshotai',
  'novita',
  'openai',
  'openrouter',
  'ovhcloud',
  'perplexity',
  'together',
  'x-ai',
] as const

type Rates = Readonly<Record<string, number>>
interface Row extends Readonly<Record<string, unknown>> {
  readonly model: string
}

/** The text prices of a day, as `price-table.json` keeps them: what cannot be bounded by them is left out. */
export function priceTable(date: string): string {
  const lines = providerIds.map((id) => {
    const provider = findProvider({ providerId: id })
    if (provider === undefined) throw new Error(`the package of prices has no provider "${id}" any more`)
    const rows = provider.models.flatMap((model) => rowOf(model, date) ?? [])
    return `    ${JSON.stringify(id)}: [\n${rows.map((row) => `      ${JSON.stringify(row)}`).join(',\n')}\n    ]`
  })
  return `{\n  "date": ${JSON.stringify(date)},\n  "providers": {\n${lines.join(',\n')}\n  }\n}\n`
}

function rowOf(model: ModelInfo, date: string): Row | undefined {
  const prices = pricesAt(model.prices, date)
  const base = dearest(prices.map((price) => ratesAbove(price, 0)))
  if (base === undefined) return undefined
  const steps = new Set(prices.flatMap((price) => Object.values(price).flatMap(startsOf)))
  const above = [...steps]
    .sort((a, b) => a - b)
    .map((tokens) => ({ tokens, ...dearest(prices.map((price) => ratesAbove(price, tokens + 1))) }))
  return { model: `^${pattern(model.match)}`, ...base, ...(above.length === 0 ? {} : { above }) }
}

/** Those in force on a day. What is cheaper at some hours may be billed at any, so all hours count. */
function pricesAt(prices: ModelInfo['prices'], date: string): readonly ModelPrice[] {
  if (!Array.isArray(prices)) return [prices]
  const begun = prices.findLastIndex(
    ({ constraint }) =>
      constraint === undefined || (constraint.type === 'start_date' && constraint.start_date.slice(0, 10) <= date),
  )
  const hours = prices.filter(({ constraint }) => constraint?.type === 'time_of_date')
  return [...(begun === -1 ? [] : [prices[begun]]), ...hours].flatMap((each) =>
    each === undefined ? [] : [each.prices],
  )
}

const startsOf = (price: ModelPrice[string]): readonly number[] =>
  typeof price === 'object' ? price.tiers.map(({ start }) => start) : []

const rateAbove = (price: ModelPrice[string], tokens: number): number | undefined =>
  typeof price === 'object' ? (price.tiers.findLast(({ start }) => tokens > start)?.price ?? price.base) : price

/** Undefined: a text call cannot be bounded by these. */
function ratesAbove(price: ModelPrice, tokens: number): Rates | undefined {
  const rate = (name: string): number | undefined => rateAbove(price[name], tokens)
  const input = rate('input_mtok')
  const outputs = [rate('output_mtok'), rate('output_reasoning_mtok')].filter((each) => each !== undefined)
  const hasOtherOutput = Object.keys(price).some((key) => key.startsWith('output_') && key !== 'output_reasoning_mtok')
  if (input === undefined || (outputs.length === 0 && hasOtherOutput) || 'output_citation_mtok' in price) return
  const optional = {
    cache_read: rate('cache_read_mtok'),
    cache_write: rate('cache_write_mtok'),
    cache_write_1h: rate('cache_write_1h_mtok'),
    call: rate('requests_kcount') === undefined ? undefined : (rate('requests_kcount') ?? 0) / 1000,
  }
  const known = Object.entries({ input, output: Math.max(0, ...outputs), ...optional })
  return Object.fromEntries(
    known.flatMap(([key, dollars]) => (dollars === undefined ? [] : [[key, fromDollars(dollars)]])),
  )
}

/** Of each rate the highest. Undefined if one of them cannot be bounded. */
function dearest(all: readonly (Rates | undefined)[]): Rates | undefined {
  const result: Record<string, number> = {}
  for (const rates of all) {
    if (rates === undefined) return undefined
    for (const [key, rate] of Object.entries(rates)) result[key] = Math.max(result[key] ?? 0, rate)
  }
  return result
}

/** A regular expression for the rest of a name, from its beginning. */
function pattern(match: MatchLogic): string {
  if ('or' in match) return `(?:${match.or.map(pattern).join('|')})`
  if ('and' in match) return match.and.map((each) => `(?=${pattern(each)})`).join('')
  if ('equals' in match) return `${literal(match.equals)}$`
  if ('starts_with' in match) return literal(match.starts_with)
  if ('ends_with' in match) return `.*${literal(match.ends_with)}$`
  if ('contains' in match) return `.*${literal(match.contains)}`
  return match.regex.startsWith('^') ? `(?:${match.regex})` : `.*(?:${match.regex})`
}

const literal = (text: string): string => text.toLowerCase().replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
