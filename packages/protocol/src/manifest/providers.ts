import { z } from 'zod'
import { atLeast, durationOf, rate, secretWords, section, text, variableOrDefault } from './fields.ts'
import { isPlainObject } from './spelling.ts'

const url = 'a URL such as https://api.example.com/v1'
const dollars = 'US dollars for a million tokens, 0 or more'
const price = z.number({ error: dollars }).min(0, { error: dollars })
const prices = 'free, or a map of models such as { "gpt-5-mini": { input: 0.25, output: 2.0 } }'
const apiKey = z.union(
  [
    variableOrDefault(secretWords),
    z.strictObject({ file: text('the path of a file that holds the key') }, { error: secretWords }),
  ],
  { error: secretWords },
)

/** A provider of models, as `vigil.yaml` has it. */
export const providerSchema = z.strictObject(
  {
    base_url: z.url({ protocol: /^https?$/, error: url }).optional(),
    api_key: apiKey.optional(),
    headers: z.record(z.string(), z.string({ error: 'a text' }), { error: 'a map of headers' }).default({}),
    prices: z
      .union(
        [
          z.literal('free'),
          z.record(
            z.string(),
            z.strictObject(
              { input: price, output: price, cache_read: price.optional(), cache_write: price.optional() },
              { error: 'a price such as { input: 0.25, output: 2.0 }' },
            ),
          ),
        ],
        { error: prices },
      )
      .optional(),
    timeout: durationOf(1).optional(),
    idle_timeout: durationOf(1).optional(),
    concurrency: atLeast(1, 64),
    rate_limit: rate().optional(),
    max_retries: atLeast(0, 4),
  },
  section,
)

const providerName = 'a provider: small letters, digits, _ or -'

export const providersSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, { error: providerName }),
  providerSchema,
  {
    error: 'a map of providers',
  },
)
export type ProviderDocument = z.output<typeof providerSchema>

/** `models` is another word for it. */
export function withProviders(raw: unknown): unknown {
  if (!isPlainObject(raw) || !('models' in raw) || 'providers' in raw) return raw
  const { models, ...rest } = raw
  return { ...rest, providers: models }
}
