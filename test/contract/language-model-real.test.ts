import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EmbedCall, ModelCall, ModelProvider } from '@vigil/protocol'
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
const failureOf = (made: Promise<unknown>): Promise<{ code?: string; details?: unknown; message?: string }> =>
  made.then(
    () => ({ message: 'it was answered' }),
    (error: Error) => error,
  )

test('a text comes whole from its pieces, with what it used, and the key is swapped in at the socket', async () => {
  const { models, fake, provider } = await open({ replies: [{ text: ['Hel', 'lo ', 'world'] }] })
  const reply = await models.generate(ask(provider()), unheard)
  expect(reply).toMatchObject({ text: 'Hello world', calls: [], finish: 'stop', model: 'gpt-5-mini' })
  expect(reply.usage.estimated).toBeUndefined()
  expect(reply.usage.output).toBeGreaterThan(0)
  expect(fake.requests[0]?.body).toMatchObject({ stream: true, max_completion_tokens: 100 })
})

test('tools in one answer come in their order, with the arguments as they were written', async () => {
  const calls = [
    { name: 'add', input: { a: 1, b: 'two' } },
    { name: 'look', arguments: '{broken' },
  ]
  const { models, provider } = await open({ replies: [{ calls }] })
  const tools = [{ name: 'add', description: 'Adds.', parameters: { type: 'object' } }, { name: 'look' }]
  const reply = await models.generate(ask(provider(), { tools, tool_choice: 'auto' }), unheard)
  expect(reply).toMatchObject({
    finish: 'tools',
    calls: [
      { name: 'add', arguments: '{"a":1,"b":"two"}' },
      { name: 'look', arguments: '{broken' },
    ],
  })
  expect(new Set(reply.calls.map(({ id }) => id)).size).toBe(2)
})

test('what is refused is tried again as often as the provider allows, and a wait that it asks for is kept', async () => {
  const { models, fake, provider } = await open({
    replies: [{ status: 429, retryAfterMs: 30 }, { status: 500 }, 'third time'],
  })
  expect(await models.generate(ask(provider()), unheard)).toMatchObject({ text: 'third time' })
  expect(fake.requests).toHaveLength(3)
})

test.each([
  [429, 'MODEL_RATE_LIMITED', 2],
  [503, 'MODEL_UNAVAILABLE', 2],
  [400, 'MODEL_REFUSED', 1],
  [401, 'MODEL_REFUSED', 1],
])('%i to the end is %s, and costs nothing', async (status, code, sent) => {
  const { models, provider } = await open({ replies: () => ({ status, retryAfterMs: 1 }) })
  const failure = await failureOf(models.generate(ask(provider({ retries: 1 })), unheard))
  expect(failure).toMatchObject({ code, details: { status, sent } })
  expect(failure.details).not.toHaveProperty('answered')
})

test('an answer that breaks off is MODEL_MALFORMED, is not tried again, and says how far it came', async () => {
  const { models, fake, provider } = await open({ replies: [{ text: ['some', 'thing'], truncate: 'socket' }] })
  const failure = await failureOf(models.generate(ask(provider()), unheard))
  expect(failure).toMatchObject({ code: 'MODEL_MALFORMED', details: { sent: 1 } })
  expect((failure.details as { answered: number }).answered).toBeGreaterThan(0)
  expect(fake.requests).toHaveLength(1)
})

test('who falls silent is left after the idle time', async () => {
  const { models, provider } = await open({ replies: [{ text: ['some', 'thing'], hang: 'in_stream' }] })
  const failure = await failureOf(models.generate(ask(provider({ idleMs: 100 })), unheard))
  expect(failure).toMatchObject({ code: 'MODEL_TIMEOUT', details: { sent: 1 } })
})

test('who says more than was ordered is cut', async () => {
  const long = { text: 'word '.repeat(2_000), ignoresMaxTokens: true, usage: 'none' as const }
  const { models, provider } = await open({ replies: [long] })
  const reply = await models.generate(ask(provider(), { max_output_tokens: 20 }), unheard)
  expect(reply).toMatchObject({ finish: 'length', usage: { output: reply.text.length, estimated: true } })
  expect(reply.text.length).toBeLessThan(2_000)
})

test('an address that nobody serves is MODEL_UNAVAILABLE after the tries, and nothing was sent', async () => {
  const { models, fake, provider } = await open()
  await fake.close()
  const failure = await failureOf(models.generate(ask(provider({ retries: 1 })), unheard))
  expect(failure).toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { sent: 2 } })
  expect(failure.details).not.toHaveProperty('answered')
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

test('texts become vectors in their order, as 32-bit floats', async () => {
  const { models, provider } = await open()
  const call: EmbedCall = { provider: provider(), model: 'text-embedding-3-small', texts: ['one', 'two'] }
  const reply = await models.embed(call, unheard)
  expect(reply.vectors).toHaveLength(2)
  expect(Buffer.from(reply.vectors[0] ?? '', 'base64').byteLength % 4).toBe(0)
  expect(reply.usage.input).toBeGreaterThan(0)
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
