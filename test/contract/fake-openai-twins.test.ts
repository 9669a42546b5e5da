import OpenAI, { type APIError } from 'openai'
import { describe, expect, test } from 'vitest'
import { aimock, ours, type Plan } from './fake-openai-subjects.ts'

/** The same calls of the real client against our fake and one that others wrote: what a client sees has the same shape. */
const tools: OpenAI.Chat.ChatCompletionTool[] = ['add', 'look_up'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { a: { type: 'number' } } } },
}))
const asked = (content: string): { model: string; messages: OpenAI.Chat.ChatCompletionMessageParam[] } => ({
  model: 'gpt-5-mini',
  messages: [{ role: 'user', content }],
})
const calls = [
  { name: 'add', input: { a: 1, b: [2, 3] } },
  { name: 'look_up', input: { query: 'a longer argument that is streamed in several pieces' } },
]
const plan: Plan = {
  text: { text: 'It is done, and nothing is left to say about it.' },
  tools: { calls },
  json: { json: { title: 'a', rows: [1, 2] } },
  busy: { status: 429, retryAfter: 7, message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' },
  broken: { status: 500, message: 'it broke', type: 'server_error', code: 'broken' },
}

/** The types of all fields, so that values may differ and shapes may not. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined && field !== null)
      .map(([name, field]) => [name, shapeOf(field)]),
  )
}

describe.each([
  ['startFakeOpenAI', ours],
  ['aimock', aimock],
])('a client of %s', (_name, subject) => {
  test('has a whole answer', async () => {
    await using s = await subject(plan)
    const reply = await s.client.chat.completions.create(asked('text'))
    expect(reply.choices[0]).toMatchObject({
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: plan['text']?.['text' as never] },
    })
    expect(shapeOf({ ...reply, system_fingerprint: undefined })).toMatchObject({
      id: 'string',
      object: 'string',
      created: 'number',
      model: 'string',
      usage: { prompt_tokens: 'number', completion_tokens: 'number', total_tokens: 'number' },
    })
  })

  test('has an answer piece by piece, and usage behind it', async () => {
    await using s = await subject(plan)
    const stream = await s.client.chat.completions.create({
      ...asked('text'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await Array.fromAsync(stream)
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    expect(text).toBe('It is done, and nothing is left to say about it.')
    expect(chunks.length).toBeGreaterThan(3)
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    expect(chunks.filter((chunk) => chunk.choices[0]?.finish_reason === 'stop')).toHaveLength(1)
    const last = chunks.at(-1)
    expect(last?.choices).toEqual([])
    expect(shapeOf(last?.usage)).toMatchObject({ prompt_tokens: 'number', completion_tokens: 'number' })
    expect(chunks.slice(0, -1).every((chunk) => (chunk.usage ?? null) === null)).toBe(true)
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1)
  })

  test('has two calls of tools in one answer, whole', async () => {
    await using s = await subject(plan)
    const reply = await s.client.chat.completions.create({ ...asked('tools'), tools })
    const [choice] = reply.choices
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    expect(choice?.message.tool_calls?.map((call) => called(call))).toEqual(calls)
  })

  test('has two calls of tools, piece by piece', async () => {
    await using s = await subject(plan)
    const stream = s.client.chat.completions.stream({ ...asked('tools'), tools })
    const reply = await stream.finalChatCompletion()
    const [choice] = reply.choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.tool_calls?.map((call) => called(call))).toEqual(calls)
    expect(new Set(choice?.message.tool_calls?.map(({ id }) => id)).size).toBe(2)
  })

  test('has structured output', async () => {
    await using s = await subject(plan)
    const schema = {
      type: 'object',
      properties: { title: { type: 'string' }, rows: { type: 'array', items: { type: 'number' } } },
      required: ['title', 'rows'],
      additionalProperties: false,
    }
    const reply = await s.client.chat.completions.parse({
      ...asked('json'),
      response_format: { type: 'json_schema', json_schema: { name: 'report', strict: true, schema } },
    })
    expect(JSON.parse(reply.choices[0]?.message.content ?? '')).toEqual({ title: 'a', rows: [1, 2] })
  })

  test.each([undefined, 'float'] as const)('has vectors, encoded as %s', async (encoding) => {
    await using s = await subject(plan)
    const body = { model: 'text-embedding-3-small', input: ['one text', 'another'] }
    const vectors = async () => {
      const reply = await s.client.embeddings.create({ ...body, ...(encoding && { encoding_format: encoding }) })
      expect(reply.data.map(({ index, object }) => ({ index, object }))).toEqual([
        { index: 0, object: 'embedding' },
        { index: 1, object: 'embedding' },
      ])
      expect(reply.usage.total_tokens).toBe(reply.usage.prompt_tokens)
      return reply.data.map(({ embedding }) => embedding)
    }
    const [one, other] = await vectors()
    expect([one, other]).toEqual(await vectors())
    expect(one).not.toEqual(other)
    expect(one).toHaveLength(1_536)
  })

  test('is told when to come again', async () => {
    await using s = await subject(plan)
    const error = await s.client.chat.completions.create(asked('busy')).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'requests' })
    expect((error as APIError).headers?.get('retry-after')).toBe('7')
  })

  test('is told of an error of the server, whole, streamed and for vectors', async () => {
    await using s = await subject(plan)
    const failed = { status: 500, type: 'server_error' }
    await expect(s.client.chat.completions.create(asked('broken'))).rejects.toMatchObject(failed)
    await expect(s.client.chat.completions.create({ ...asked('broken'), stream: true })).rejects.toMatchObject(failed)
    await expect(s.client.embeddings.create({ model: 'text-embedding-3-small', input: 'fail' })).rejects.toMatchObject(
      failed,
    )
  })

  test('finds a list of models', async () => {
    await using s = await subject(plan)
    const models = await Array.fromAsync(s.client.models.list())
    expect(models.length).toBeGreaterThan(0)
    expect(models[0]).toMatchObject({ object: 'model' })
  })
})

const called = (call: OpenAI.Chat.ChatCompletionMessageToolCall): unknown =>
  call.type === 'function' && { name: call.function.name, input: JSON.parse(call.function.arguments) }
