import { expect } from 'vitest'
import { foreignCase } from './model-gateway-cases.ts'

/** The hard cases that a server which others wrote can make, over real sockets. */
const long =
  'A sentence that is long enough to be sent in more than four pieces, so that something can happen in between.'
const schema = {
  type: 'object',
  properties: { title: { type: 'string' } },
  required: ['title'],
  additionalProperties: false,
}

foreignCase(
  'streamed: is whole',
  { plan: (mock) => mock.onMessage('Go on.', { content: long }) },
  ({ reply, sent }) => {
    expect(reply).toMatchObject({ text: long, finish: 'stop' })
    expect(reply?.usage.estimated).toBeUndefined()
    expect(sent).toBe(1)
  },
)

const toolCalls = ['add', 'look_up'].map((name) => ({
  name,
  arguments: '{"query":"a text that is streamed in pieces"}',
}))
foreignCase(
  'with parallel calls of tools: has them whole',
  { plan: (mock) => mock.onMessage('Go on.', { toolCalls }) },
  ({ reply }) => {
    expect(reply).toMatchObject({ finish: 'tools', calls: toolCalls })
    expect(new Set(reply?.calls.map(({ id }) => id)).size).toBe(2)
  },
)

foreignCase(
  'with structured output: has it',
  { asked: { schema }, plan: (mock) => mock.onMessage('Go on.', { content: { title: 'May' } }) },
  ({ reply }) => {
    expect(JSON.parse(reply?.text ?? '')).toEqual({ title: 'May' })
  },
)

const limited = { status: 429, error: { message: 'slow down', type: 'requests' }, retryAfter: 0 }
foreignCase(
  '429 to the end: MODEL_RATE_LIMITED',
  { plan: (mock) => mock.onMessage('Go on.', limited) },
  ({ code, failure, sent }) => {
    expect(code).toBe('MODEL_RATE_LIMITED')
    expect(failure).toEqual({ status: 429, sent: 3 })
    expect(sent).toBe(3)
  },
)

foreignCase(
  '500 once: is asked again',
  { plan: (mock) => mock.onMessage('Go on.', { content: 'Done.' }).nextRequestError(500) },
  ({ reply, sent }) => {
    expect(reply?.text).toBe('Done.')
    expect(sent).toBe(2)
  },
)

foreignCase(
  'cut off: MODEL_MALFORMED, and is not asked again',
  {
    plan: (mock) => mock.onMessage('Go on.', { content: long }, { truncateAfterChunks: 2, chunkSize: 8, latency: 100 }),
  },
  ({ code, sent }) => {
    expect(code).toBe('MODEL_MALFORMED')
    expect(sent).toBe(1)
  },
)

foreignCase(
  'no JSON at all: MODEL_MALFORMED',
  { plan: (mock) => mock.onMessage('Go on.', { content: long }, { chaos: { malformedRate: 1 } }) },
  ({ code, sent }) => {
    expect(code).toBe('MODEL_MALFORMED')
    expect(sent).toBe(1)
  },
)
