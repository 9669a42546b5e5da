import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Supervisor } from '@vigil/supervisor'
import { startFakeOpenAI } from '@vigil/testkit'
import { expect, test } from 'vitest'

const source = `export default async ({ payload }, ctx) =>
  payload.store === undefined ? await ctx.memory.search(payload.search) : await ctx.memory.store(payload.store)
`

test('a provider over a real socket makes the vectors; what it fails to make it makes with the next search', {
  timeout: 90_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-memory-'))
  await using fake = await startFakeOpenAI({ apiKey: 'sk-right', embeddings: ['vectors', { status: 500 }] })
  try {
    writeFileSync(join(folder, 'scribe.js'), source)
    const provider = {
      baseUrl: fake.url,
      apiKey: { variable: 'KEY' },
      maxRetries: 0,
      prices: { '*': { input: 1, output: 0 } },
    }
    const start = () =>
      Supervisor.start({
        dataDir: join(folder, 'data'),
        env: { KEY: 'sk-right' },
        config: { providers: { openai: provider } },
      })
    const memory = { embeddings: 'openai/text-embedding-3-small' }
    const spec = { name: 'scribe', entrypoint: join(folder, 'scribe.js'), memory }
    const texts = (found: unknown): string[] => (found as { text: string }[]).map(({ text }) => text)
    {
      await using s = await start()
      const agent = await s.spawn(spec)
      await agent.run({ store: 'the kitchen closes at ten' })
      await agent.run({ store: 'invoices are sent in May' })
      expect(fake.requests.map(({ body }) => body['input'])).toEqual([
        ['the kitchen closes at ten'],
        ['invoices are sent in May'],
      ])
      expect(texts(await agent.run({ search: 'when invoices' }))[0]).toBe('invoices are sent in May')
      expect(fake.requests.slice(2).map(({ body }) => body['input'])).toEqual([
        ['invoices are sent in May'],
        ['when invoices'],
      ])
    }
    // Another life of Vigil has the vectors from its log: only the question is sent.
    await using s = await start()
    const agent = await s.spawn(spec)
    expect(texts(await agent.run({ search: 'kitchen' }))[0]).toBe('the kitchen closes at ten')
    expect(fake.requests.at(-1)?.body['input']).toEqual(['kitchen'])
    expect(fake.requests).toHaveLength(5)
    const { records } = await agent.journal({ type: 'effect.completed', bodies: 'whole' })
    const spent = records.flatMap((each) =>
      each.type === 'effect.completed' ? (each.data.spent?.model_calls ?? []) : [],
    )
    expect(spent).toEqual([1, 1, 1, 1, 1])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
