import { readFileSync } from 'node:fs'
import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { costOf, priceOf, pricesOf, worstCost } from '@vigil/governance'
import { expect, test } from 'vitest'
import { priceTable, providerIds } from './price-table.ts'

test('the table is what `pnpm prices` writes', () => {
  const kept = readFileSync(new URL('../../packages/governance/src/price-table.json', import.meta.url), 'utf8')
  expect(priceTable(pricesOf)).toBe(kept)
})

const usages = [
  { input: 1_000, output: 100 },
  { input: 150_000, output: 8_000, cache_read: 50_000 },
  { input: 300_000, output: 8_000, cache_write: 100_000 },
  { input: 2_000_000, output: 1 },
]

// What has cheaper hours is kept with its dearest ones.
const hasHours = (provider: string): boolean => provider === 'deepseek'

test.each(providerIds)('each price of %s is what the package says itself', (provider) => {
  const wrong: string[] = []
  for (const { id } of findProvider({ providerId: provider })?.models ?? []) {
    const price = priceOf(provider, id)
    if (price === undefined) continue
    for (const usage of usages) {
      const { input, output, cache_read = 0, cache_write = 0 } = usage
      const whole = {
        input_tokens: input,
        output_tokens: output,
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
      }
      const timestamp = new Date(`${pricesOf}T12:00:00Z`)
      const theirs = (calcPrice(whole, id, { providerId: provider, timestamp })?.total_price ?? Number.NaN) * 1_000_000
      const ours = costOf(price, usage)
      const same = hasHours(provider) ? ours >= theirs - 1 : Math.abs(ours - theirs) <= 1
      if (!same || ours > worstCost(price, usage)) wrong.push(`${id} ${JSON.stringify(usage)}: ${ours}, not ${theirs}`)
    }
  }
  expect(wrong).toEqual([])
})

test('only what is not billed by tokens of text has no price', () => {
  const ids = (findProvider({ providerId: 'openai' })?.models ?? []).map(({ id }) => id)
  // The first two are beginnings of names, and no names.
  const unpriced = ['ft:gpt-4o', 'ft:gpt-4o-mini', 'gpt-transcribe', 'moderation', 'whisper-1']
  expect(ids.filter((id) => priceOf('openai', id) === undefined)).toEqual(unpriced)
})
