import { Supervisor } from '@vigil/supervisor'
import { startFakeOpenAI } from '@vigil/testkit'
import { expect, test } from 'vitest'

/** Micro-dollars a token, as the configuration below has it in dollars a million tokens. */
const price = { input: 1, output: 2 }

interface Spent {
  readonly usd: number
  readonly tokens: number
  readonly model_calls: number
}

test('what an agent has spent is what its provider bills, and never less where the provider does not say', async () => {
  await using fake = await startFakeOpenAI({
    replies: [
      { status: 429, retryAfterMs: 5 },
      { status: 503, retryAfterMs: 5 },
      'Done.',
      { text: 'Said without a bill.', usage: 'none' },
      { text: 'This answer breaks off in its middle.', truncate: 'socket' },
      'Done again.',
    ],
  })
  const providers = { openai: { baseUrl: fake.url, prices: { 'gpt-5-mini': price } } }
  await using s = await Supervisor.start({ journal: 'memory', config: { providers }, env: { OPENAI_API_KEY: 'k' } })
  const delivery = { maxRetries: 1, retryBackoff: '10ms' }
  const agent = await s.spawn({ name: 'thinker', model: 'openai:gpt-5-mini', delivery })
  const spent = async (): Promise<Spent[]> => {
    const { records } = await agent.journal({ type: 'effect.completed' })
    return records.map(({ data }) => (data as { readonly spent: Spent }).spent)
  }
  const sum = (all: readonly Spent[]): number => all.reduce((usd, each) => usd + each.usd, 0)
  const billedUsd = (): number => fake.billed.input * price.input + fake.billed.output * price.output

  expect(await agent.run({ text: 'Go on.' })).toBe('Done.')
  const { input, output } = fake.billed
  expect(await spent()).toEqual([{ usd: billedUsd(), tokens: input + output, model_calls: 1 }])
  expect([fake.requests.length, fake.billed.calls]).toEqual([3, 1])

  expect(await agent.run({ text: 'And now?' })).toBe('Said without a bill.')
  expect(sum(await spent())).toBeGreaterThan(billedUsd())
  expect([fake.requests.length, fake.billed.calls]).toEqual([4, 2])

  // What came of it is not known: the attempt fails, is paid for, and the next one asks again.
  expect(await agent.run({ text: 'And then?' })).toBe('Done again.')
  expect(sum(await spent())).toBeGreaterThan(billedUsd())
  expect([fake.requests.length, fake.billed.calls]).toEqual([6, 4])
  expect((await spent()).map(({ model_calls: calls }) => calls)).toEqual([1, 1, 1, 1])
})
