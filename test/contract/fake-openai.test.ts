import { connect } from 'node:net'
import { type FakeOpenAI, type FakeOpenAIOptions, fakeTokens, startFakeOpenAI } from '@vigil/testkit'
import OpenAI, { type APIError } from 'openai'
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'

/** What `startFakeOpenAI` does as it is told, seen by the real client. */
type Request = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming
const asked: Request = { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Go on.' }] }
const streamed = { ...asked, stream: true, stream_options: { include_usage: true } } as const
const add: OpenAI.Chat.ChatCompletionTool = {
  type: 'function',
  function: { name: 'add', parameters: { type: 'object', properties: { a: { type: 'number' } } } },
}

async function start(options: FakeOpenAIOptions = {}, maxRetries = 0): Promise<FakeOpenAI & { client: OpenAI }> {
  const fake = await startFakeOpenAI(options)
  const client = new OpenAI({ baseURL: fake.url, apiKey: 'k', maxRetries, logLevel: 'off' })
  return Object.defineProperty(fake, 'client', { value: client }) as FakeOpenAI & { client: OpenAI }
}

/** What a stream gave before it ended, and what it threw. */
async function drain(client: OpenAI, signal?: AbortSignal) {
  const chunks: OpenAI.Chat.ChatCompletionChunk[] = []
  let error: unknown
  try {
    for await (const chunk of await client.chat.completions.create(streamed, { signal })) chunks.push(chunk)
  } catch (reason) {
    error = reason
  }
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
  const finished = chunks.find((chunk) => chunk.choices[0]?.finish_reason)?.choices[0]?.finish_reason
  return { chunks, error, text, finished, usage: chunks.at(-1)?.usage }
}

const long =
  'A sentence that is long enough to be sent in more than four pieces, so that something can happen in between.'

describe('what it says', () => {
  test('replies come in the order of requests, and one too many is refused and not tried again', async () => {
    await using fake = await start({ replies: ['one', { text: ['t', 'wo'] }] }, 2)
    const say = async () => (await fake.client.chat.completions.create(asked)).choices[0]?.message.content
    expect([await say(), await say()]).toEqual(['one', 'two'])
    await expect(say()).rejects.toMatchObject({ status: 400, code: 'no_reply_left' })
    expect(fake.requests).toHaveLength(3)
  })

  test('a function sees the request', async () => {
    await using fake = await start({ replies: ({ messages, model }) => `${model}: ${messages.at(-1)?.content}` })
    expect((await fake.client.chat.completions.create(asked)).choices[0]?.message.content).toBe('gpt-5-mini: Go on.')
  })

  test('a function that throws is told, and not tried again', async () => {
    const replies = () => {
      throw new Error('not planned')
    }
    await using fake = await start({ replies }, 2)
    await expect(fake.client.chat.completions.create(asked)).rejects.toMatchObject({ status: 400, code: 'fake_threw' })
    expect(fake.requests).toHaveLength(1)
  })

  test('pieces of a list are sent as they are, and arguments in more than one piece', async () => {
    const input = { a: 'a text that is longer than twelve characters' }
    await using fake = await start({ replies: [{ text: ['a', 'bc'], calls: [{ name: 'add', input, id: 'c1' }] }] })
    const { chunks, finished } = await drain(fake.client)
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta)
    expect(deltas.flatMap((delta) => delta?.content ?? [])).toEqual(['', 'a', 'bc'])
    const parts = deltas.flatMap((delta) => delta?.tool_calls ?? [])
    expect(parts[0]).toMatchObject({ index: 0, id: 'c1', function: { name: 'add', arguments: '' } })
    expect(parts.length).toBeGreaterThan(3)
    expect(parts.map((part) => part.function?.arguments).join('')).toBe(JSON.stringify(input))
    expect(finished).toBe('tool_calls')
  })

  test('a refusal, and a finish reason of its own', async () => {
    await using fake = await start({
      replies: [{ refusal: 'I will not.' }, { text: 'a', finishReason: 'content_filter' }],
    })
    const [choice] = (await fake.client.chat.completions.create(asked)).choices
    expect(choice?.message).toMatchObject({ refusal: 'I will not.', content: null })
    expect((await drain(fake.client)).finished).toBe('content_filter')
  })

  test('arguments that are no JSON and a tool that nobody offered are sent as they stand', async () => {
    const calls = [{ name: 'nobody', arguments: '{"a":' }]
    await using fake = await start({ replies: [{ calls }] })
    const [choice] = (await fake.client.chat.completions.create({ ...asked, tools: [add] })).choices
    expect(choice?.message.tool_calls?.[0]).toMatchObject({ function: calls[0] })
  })

  test('the same text has the same vector, and shared words bring texts nearer', async () => {
    await using fake = await start()
    const input = ['the invoice of May', 'invoice for May', 'a boat in the harbour']
    const vectorsOf = async (encoding_format: 'float' | 'base64') => {
      const reply = await fake.client.embeddings.create({ model: 'e', input, dimensions: 64, encoding_format })
      return reply.data.map(({ embedding }) => embedding)
    }
    const [invoice = [], likeIt = [], boat = []] = await vectorsOf('float')
    const near = (one: number[], other: number[]) => one.reduce((sum, value, k) => sum + value * (other[k] ?? 0), 0)
    expect(near(invoice, invoice)).toBeCloseTo(1, 5)
    expect(near(invoice, likeIt)).toBeGreaterThan(near(invoice, boat))
    const bytes = (await vectorsOf('base64')) as unknown as string[]
    expect(Array.from(new Float32Array(Uint8Array.from(Buffer.from(bytes[0] ?? '', 'base64')).buffer))).toEqual(invoice)
  })
})

describe('what it bills', () => {
  const input = fakeTokens(JSON.stringify([asked.messages]))

  test('what was read and said, of all that it answered, whether it reports it or not', async () => {
    await using fake = await start({
      replies: [
        { text: long },
        { text: long, usage: 'none' },
        { status: 500 },
        { text: 'a', usage: { input: 9, output: 7 } },
      ],
    })
    const first = await fake.client.chat.completions.create(asked)
    const output = fakeTokens(long)
    expect(first.usage).toEqual({ prompt_tokens: input, completion_tokens: output, total_tokens: input + output })
    expect(fake.billed).toEqual({ calls: 1, input, output })
    expect((await drain(fake.client)).usage).toBeUndefined()
    expect(fake.billed).toEqual({ calls: 2, input: 2 * input, output: 2 * output })
    await fake.client.chat.completions.create(asked).catch(() => {})
    expect((await drain(fake.client)).usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 7 })
    expect(fake.billed).toEqual({ calls: 3, input: 2 * input + 9, output: 2 * output + 7 })
    expect(fake.requests.map(({ ended }) => ended)).toEqual(['answered', 'answered', 'failed', 'answered'])
  })

  test('of a broken answer only what was sent', async () => {
    await using fake = await start({ replies: [{ text: ['1234', '5678', 'never sent'], truncate: 'socket' }] })
    expect((await drain(fake.client)).text).toBe('1234')
    expect(fake.billed).toEqual({ calls: 1, input, output: 1 })
    expect(fake.requests[0]?.ended).toBe('cut')
  })

  test('no more than the most tokens of the request, and more where it is told to ignore them', async () => {
    const text = 'word '.repeat(100)
    await using fake = await start({ replies: [{ text }, { text }, { text, ignoresMaxTokens: true }] })
    const limited = { ...asked, max_completion_tokens: 10 }
    const cut = await fake.client.chat.completions.create(limited)
    expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: text.slice(0, 40) } })
    expect(cut.usage?.completion_tokens).toBe(10)
    expect((await fake.client.chat.completions.create({ ...asked, max_tokens: 10 })).usage?.completion_tokens).toBe(10)
    const beyond = await fake.client.chat.completions.create(limited)
    expect(beyond.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: text } })
    expect(beyond.usage?.completion_tokens).toBe(125)
  })

  test('vectors by their texts', async () => {
    await using fake = await start({ embeddings: [{ status: 503 }] })
    const embed = () => fake.client.embeddings.create({ model: 'e', input: ['12345', '1'] })
    await expect(embed()).rejects.toMatchObject({ status: 503 })
    await embed()
    expect(fake.billed).toEqual({ calls: 1, input: 3, output: 0 })
  })
})

describe('how it misbehaves', () => {
  test('retry-after, in seconds and in milliseconds, is what the client waits for', async () => {
    await using fake = await start(
      { replies: [{ status: 429, retryAfterMs: 1 }, { status: 503, retryAfter: 0.001 }, 'ok'] },
      2,
    )
    expect((await fake.client.chat.completions.create(asked)).choices[0]?.message.content).toBe('ok')
    expect(fake.requests.map(({ ended }) => ended)).toEqual(['failed', 'failed', 'answered'])
    expect(fake.billed.calls).toBe(1)
  })

  test.each([400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 529])(
    "an error with status %i has a body as OpenAI's",
    async (status) => {
      await using fake = await start({ replies: [{ status, message: 'said so' }] })
      const error = (await fake.client.chat.completions.create(asked).catch((reason: unknown) => reason)) as APIError
      expect(error.status).toBe(status)
      expect(error.message).toContain('said so')
      expect(typeof error.type).toBe('string')
      expect(error.requestID).toBe('req_1')
    },
  )

  test.each(['before_headers', 'in_stream'] as const)('it hangs %s until the client gives up', async (hang) => {
    await using fake = await start({ replies: [{ text: ['a', 'b', 'c'], hang }] })
    const giveUp = new AbortController()
    const drained = drain(fake.client, giveUp.signal)
    const request = await fake.arrived(1)
    const sent = hang === 'in_stream' ? 1 : 0
    await until('the first piece to be sent', () => request.billed.output === sent)
    giveUp.abort()
    expect((await drained).text).toBe(hang === 'in_stream' ? 'a' : '')
    await until('the fake to see that the client went', () => request.ended === 'abandoned')
    expect(fake.billed.calls).toBe(sent)
  })

  test('it sends nothing before the test lets it', async () => {
    const latch = Promise.withResolvers<void>()
    await using fake = await start({
      replies: [
        { text: 'late', after: latch.promise },
        { status: 500, after: latch.promise },
      ],
    })
    const both = Promise.allSettled([1, 2].map(() => fake.client.chat.completions.create(asked)))
    await fake.arrived(2)
    expect(fake.requests.map(({ ended }) => ended)).toEqual([undefined, undefined])
    latch.resolve()
    expect((await both).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  test.each([true, false])('it trickles (streamed: %s)', async (stream) => {
    const anHour = 3_600_000
    await using fake = await start({
      replies: [
        { text: long, everyMs: 1 },
        { text: long, everyMs: anHour },
      ],
    })
    const say = async (signal?: AbortSignal) =>
      stream
        ? (await drain(fake.client, signal)).text
        : (await fake.client.chat.completions.create(asked, { signal })).choices[0]?.message.content
    expect(await say()).toBe(long)
    const giveUp = new AbortController()
    const slow = say(giveUp.signal).catch(() => 'nothing')
    const request = await fake.arrived(2)
    await until('the first piece to be sent', () => request.billed.calls === 1)
    giveUp.abort()
    expect(await slow).not.toBe(long)
    await until('the fake to see that the client went', () => request.ended === 'abandoned')
  })

  test('a client that hangs up is sent no more', async () => {
    await using fake = await start({ replies: [{ text: long.repeat(20), everyMs: 5 }] })
    const giveUp = new AbortController()
    const drained = drain(fake.client, giveUp.signal)
    const request = await fake.arrived(1)
    await until('some of it to be sent', () => request.billed.output > 0)
    giveUp.abort()
    await drained
    await until('the fake to see it', () => request.ended === 'abandoned')
    expect(request.billed.output).toBeLessThan(fakeTokens(long.repeat(20)))
  })

  test('a stream is destroyed in the middle', async () => {
    await using fake = await start({ replies: [{ text: long, truncate: 'socket' }] })
    const { text, error, finished } = await drain(fake.client)
    expect(error).toBeInstanceOf(Error)
    expect(finished).toBeUndefined()
    expect(long.startsWith(text) && text !== '' && text !== long).toBe(true)
  })

  test('a stream ends in the middle with an error', async () => {
    await using fake = await start({ replies: [{ text: long, truncate: 'error' }] })
    const { text, error } = await drain(fake.client)
    expect(error).toMatchObject({ type: 'server_error' })
    expect(text).not.toBe('')
  })

  test('a stream ends without its end', async () => {
    await using fake = await start({
      replies: [
        { text: long, truncate: 'no_finish' },
        { text: long, truncate: 'no_done' },
      ],
    })
    expect(await drain(fake.client)).toMatchObject({ text: long, finished: undefined })
    expect(await drain(fake.client)).toMatchObject({ text: long, finished: 'stop' })
    expect(fake.requests.map(({ ended }) => ended)).toEqual(['cut', 'cut'])
  })

  test('a piece of a stream is no JSON', async () => {
    await using fake = await start({ replies: [{ text: long, malformed: true }] })
    const { error, text } = await drain(fake.client)
    expect(error).toBeInstanceOf(SyntaxError)
    expect(text).not.toBe(long)
  })

  test.each([{ malformed: true }, { truncate: 'socket' }, { truncate: 'no_finish' }] as const)(
    'a whole answer is broken by %o',
    async (how) => {
      await using fake = await start({ replies: [{ text: long, ...how }] })
      await expect(fake.client.chat.completions.create(asked)).rejects.toThrow()
      expect(fake.requests[0]?.ended).toBe('cut')
    },
  )
})

describe('what it refuses, as OpenAI does', () => {
  const call = { id: 'c1', type: 'function' as const, function: { name: 'add', arguments: '{}' } }
  const strict = (schema: Record<string, unknown>): Partial<Request> => ({
    response_format: { type: 'json_schema', json_schema: { name: 'r', strict: true, schema } },
  })
  const cases: readonly [string, Partial<Request> & Record<string, unknown>, RegExp][] = [
    ['no model', { model: '' }, /model parameter/],
    ['no message', { messages: [] }, /at least one message/],
    ['an unknown role', { messages: [{ role: 'robot' as 'user', content: 'a' }] }, /unknown role 'robot'/],
    ['a message without content', { messages: [{ role: 'user', content: null as unknown as string }] }, /'content'/],
    [
      'a result without its call',
      { messages: [{ role: 'tool', tool_call_id: 'c1', content: '1' }] },
      /must be a response/,
    ],
    [
      'a call without its result',
      {
        messages: [
          { role: 'assistant', tool_calls: [call] },
          { role: 'user', content: 'a' },
        ],
      },
      /c1/,
    ],
    ['a call without its result at the end', { messages: [{ role: 'assistant', tool_calls: [call] }] }, /c1/],
    ['a tool with a dot', { tools: [{ type: 'function', function: { name: 'a.b' } }] }, /'a\.b'/],
    [
      'a tool without an object',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'string' } } }] },
      /'object'/,
    ],
    ['a strict schema that is open', strict({ type: 'object', properties: {} }), /'additionalProperties'/],
    [
      'a strict schema with an optional field',
      strict({ type: 'object', properties: { a: {} }, additionalProperties: false }),
      /must name a/,
    ],
    ['options of a stream that is none', { stream_options: { include_usage: true } }, /'stream_options'/],
    ['most tokens of none', { max_completion_tokens: 0 }, /'max_completion_tokens'/],
  ]
  test.each(cases)('%s', async (_name, changed, message) => {
    await using fake = await start()
    const error = await fake.client.chat.completions.create({ ...asked, ...changed }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', message: expect.stringMatching(message) })
    expect(fake.billed.calls).toBe(0)
  })

  test('calls that have their results are let through', async () => {
    await using fake = await start()
    const result = { role: 'tool', tool_call_id: 'c1', content: '1' } as const
    const messages = [...asked.messages, { role: 'assistant' as const, tool_calls: [call] }, result]
    await fake.client.chat.completions.create({ ...asked, messages })
    expect(fake.billed.calls).toBe(1)
  })

  test('a foreign key, an unknown model, an empty text and an unknown page', async () => {
    await using fake = await start({ apiKey: 'right', models: ['gpt-5-mini'] })
    await expect(fake.client.chat.completions.create(asked)).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
    const client = new OpenAI({ baseURL: fake.url, apiKey: 'right', maxRetries: 0 })
    await client.chat.completions.create(asked)
    await expect(client.chat.completions.create({ ...asked, model: 'other' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    await expect(client.embeddings.create({ model: 'gpt-5-mini', input: '' })).rejects.toMatchObject({ status: 400 })
    await expect(client.responses.create({ model: 'gpt-5-mini', input: 'a' })).rejects.toMatchObject({
      status: 404,
      code: 'unknown_url',
    })
    expect((await Array.fromAsync(client.models.list())).map(({ id }) => id)).toEqual(['gpt-5-mini'])
  })

  test('a body that is no JSON', async () => {
    await using fake = await start()
    const reply = await fetch(`${fake.url}/chat/completions`, { method: 'POST', body: '{' })
    expect(reply.status).toBe(400)
    await reply.body?.cancel()
  })
})

test('it is closed with calls open, and its port is free', async () => {
  const fake = await start({
    replies: [{ hang: 'before_headers' }, { hang: 'in_stream' }, { text: long, everyMs: 1_000 }],
  })
  const open = Promise.all([1, 2, 3].map(() => drain(fake.client)))
  await fake.arrived(3)
  const never = fake.arrived(4)
  await Promise.all([fake.close(), expect(never).rejects.toThrow('request 4')])
  expect((await open).every(({ error }) => error instanceof Error)).toBe(true)
  await fake.close()
  const { port } = new URL(fake.url)
  const socket = connect(Number(port), '127.0.0.1')
  await expect(new Promise((resolve, reject) => socket.on('connect', resolve).on('error', reject))).rejects.toThrow(
    'ECONNREFUSED',
  )
})
