import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ModelCall, ModelProvider } from '@vigil/protocol'
import { type FakeOpenAI, type FakeOpenAIOptions, seededRandom, startFakeOpenAI } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'
import { type GatewayLink, gatewayLink } from '../../packages/supervisor/src/gateway/gateway-link.ts'
import { languageModel } from '../../packages/supervisor/src/models/language-model.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'
import { secretPage } from '../../packages/supervisor/src/vault/secret-page.ts'

const key = 'sk-real-key-of-the-provider-0123456789'
const unheard = new AbortController().signal

let fake: FakeOpenAI | undefined
let link: GatewayLink
let clock: ReturnType<typeof systemClock>

async function open(options: FakeOpenAIOptions = {}) {
  fake = await startFakeOpenAI({ apiKey: key, ...options })
  clock = systemClock()
  link = gatewayLink({ clock })
  const models = languageModel({ link, clock, random: seededRandom(1) })
  const { url } = fake
  return { models, fake, provider: (rest: Partial<ModelProvider> = {}) => ({ ...providerAt(url), ...rest }) }
}
const providerAt = (baseUrl: string): ModelProvider => ({
  name: 'fake',
  baseUrl,
  headers: {},
  outputField: 'max_completion_tokens',
  key: { name: 'fake key', placeholder: `vigil-secret.fake.${'a'.repeat(32)}`, page: secretPage(Buffer.from(key)) },
  timeoutMs: 20_000,
  idleMs: 10_000,
  retries: 2,
  concurrency: 4,
})
afterEach(async () => {
  await link?.close()
  clock?.close()
  await fake?.close()
  fake = undefined
})

const ask = (provider: ModelProvider, rest: Partial<ModelCall> = {}): ModelCall => ({
  provider,
  model: 'gpt-5-mini',
  messages: [
    { role: 'system', text: 'Be brief.' },
    { role: 'user', text: 'hello' },
  ],
  max_output_tokens: 100,
  ...rest,
})
test('a text comes whole from its pieces, with what it used, and the key is swapped in at the socket', async () => {
  const { models, fake, provider } = await open({ replies: [{ text: ['Hel', 'lo ', 'world'] }] })
  const reply = await models.generate(ask(provider()), unheard)
  expect(reply).toMatchObject({ text: 'Hello world', calls: [], finish: 'stop', model: 'gpt-5-mini' })
  expect(reply.usage.estimated).toBeUndefined()
  expect(reply.usage.output).toBeGreaterThan(0)
  expect(fake.requests[0]?.body).toMatchObject({ stream: true, max_completion_tokens: 100 })
})

test('a key that the other side says back is not handed on', async () => {
  const server = createServer((request, response) => {
    const text = JSON.stringify(`you sent ${request.headers.authorization}`)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(`data: {"choices":[{"delta":{"content":${text}},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const { models, provider } = await open()
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const { text } = await models.generate(ask(provider({ baseUrl })), unheard)
    expect(text).toBe('you sent Bearer [secret fake key]')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('no more calls are under way than the provider takes at a time', async () => {
  const gate = Promise.withResolvers<void>()
  const { models, fake, provider } = await open({ replies: () => ({ text: 'ok', after: gate.promise }) })
  const all = Array.from({ length: 5 }, () => models.generate(ask(provider({ concurrency: 2 })), unheard))
  await fake.arrived(2)
  expect(fake.requests).toHaveLength(2)
  gate.resolve()
  expect(await Promise.all(all)).toHaveLength(5)
})
