import type { EmbedCall, LanguageModel, ModelCall, ModelFailure, ModelProvider } from '@vigil/protocol'
import {
  type FakeReply,
  type SimulatedAnswer,
  scripted,
  seededRandom,
  simulatedLanguageModel,
  startFakeOpenAI,
  virtualClock,
} from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { gatewayLink } from '../../packages/supervisor/src/gateway/gateway-link.ts'
import { languageModel } from '../../packages/supervisor/src/models/language-model.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'

/** Real models behind the gateway, and their twin in the world: what ring 0 sees of both is the same. */
interface Subject {
  readonly models: LanguageModel
  readonly provider: ModelProvider
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

/** One thing that a model does, for both. */
interface Deed {
  readonly real: FakeReply
  readonly simulated: SimulatedAnswer
}

const provider: ModelProvider = {
  ...{ name: 'p', baseUrl: 'http://models.test/v1', headers: {}, outputField: 'max_completion_tokens' },
  ...{ timeoutMs: 20_000, idleMs: 10_000, retries: 0, concurrency: 4 },
}

async function real(deeds: readonly Deed[]): Promise<Subject> {
  const fake = await startFakeOpenAI({ replies: deeds.map((deed) => deed.real) })
  const clock = systemClock()
  const link = gatewayLink({ clock })
  return {
    models: languageModel({ link, clock, random: seededRandom(1) }),
    provider: { ...provider, baseUrl: fake.url },
    advance: async () => {},
    async close() {
      await link.close()
      clock.close()
      await fake.close()
    },
  }
}

async function simulated(deeds: readonly Deed[]): Promise<Subject> {
  const clock = virtualClock()
  const models = simulatedLanguageModel(scripted(deeds.map((deed) => deed.simulated)), { clock })
  return { models, provider, advance: (ms) => clock.advance(ms), close: async () => {} }
}

const unheard = new AbortController().signal
const said: Deed = { real: { text: 'hello there' }, simulated: { text: 'hello there' } }

describe.each(Object.entries({ real, simulated }))('%s models', (_name, open) => {
  let subject: Subject
  const start = async (...deeds: Deed[]): Promise<Subject> => {
    subject = await open(deeds)
    return subject
  }
  afterEach(() => subject.close())

  const call = (rest: Partial<ModelCall> = {}): ModelCall => ({
    provider: subject.provider,
    model: 'gpt-5-mini',
    messages: [{ role: 'user', text: 'hello' }],
    max_output_tokens: 100,
    ...rest,
  })
  const heard = async <T>(made: Promise<T>): Promise<T> => {
    made.catch(() => undefined)
    await subject.advance(1_000)
    return await made
  }

  test('say a text with what it used', async () => {
    const { models } = await start(said)
    const reply = await heard(models.generate(call(), unheard))
    expect(reply).toMatchObject({ text: 'hello there', calls: [], finish: 'stop', model: 'gpt-5-mini' })
    expect(reply.usage.input).toBeGreaterThan(0)
    expect(reply.usage.output).toBeGreaterThan(0)
  })

  test('ask for several tools in one answer, each call with an id of its own', async () => {
    const tools = [
      { tool: 'add', input: { a: 1 } },
      { tool: 'look', input: {} },
    ]
    const { models } = await start({
      real: { calls: tools.map(({ tool, input }) => ({ name: tool, input })) },
      simulated: { tools },
    })
    const { calls, finish } = await heard(
      models.generate(call({ tools: [{ name: 'add' }, { name: 'look' }] }), unheard),
    )
    expect([finish, calls.map(({ name, arguments: args }) => [name, args])]).toEqual([
      'tools',
      [
        ['add', '{"a":1}'],
        ['look', '{}'],
      ],
    ])
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
  })

  test.each([
    ['MODEL_RATE_LIMITED', 429],
    ['MODEL_UNAVAILABLE', 503],
    ['MODEL_REFUSED', 400],
  ] as const)('fail with %s when they were not reached, and then nothing has come', async (code, status) => {
    const { models } = await start({ real: { status }, simulated: { error: code, failure: { status } } })
    const failure = await heard(models.generate(call(), unheard).catch((error: unknown) => error))
    const { details } = failure as { details: ModelFailure }
    expect(failure).toMatchObject({ code })
    expect(details).toEqual({ status, sent: 1 })
  })

  test('turn each text into a vector of 32-bit floats', async () => {
    const { models } = await start()
    const asked: EmbedCall = { provider: subject.provider, model: 'e', texts: ['one', 'two', 'three'] }
    const { vectors, usage } = await heard(models.embed(asked, unheard))
    const sizes = new Set(vectors.map((vector) => Buffer.from(vector, 'base64').byteLength))
    expect([vectors.length, sizes.size, ([...sizes][0] ?? 0) % 4]).toEqual([3, 1, 0])
    expect(usage.input).toBeGreaterThan(0)
  })

  test('let a caller go who gives up', async () => {
    const { models } = await start({ real: { hang: 'before_headers' }, simulated: 'never heard' })
    const caller = new AbortController()
    const made = models.generate(call(), caller.signal).catch((error: unknown) => error)
    caller.abort()
    expect(await made).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
  })
})
