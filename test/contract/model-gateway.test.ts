import type { ModelMessage } from '@vigil/protocol'
import { type FakeReply, fakeTokens, startFakeOpenAI } from '@vigil/testkit'
import { describe, expect } from 'vitest'
import { secretPage } from '../../packages/supervisor/src/vault/secret-page.ts'
import { until } from '../support/until.ts'
import { hardCase } from './model-gateway-cases.ts'

/**
 * The hard cases of a model over real sockets: the gateway thread and its client on this side, a server that misbehaves on the other.
 * Each has one outcome: a reply, or an error code with what is known of its cost; and a number of requests.
 */
const long =
  'A sentence that is long enough to be sent in more than four pieces, so that something can happen in between.'
/** A port that was just given back. */
const gone = await startFakeOpenAI()
await gone.close()
const nowhere = gone.url

const schema = {
  type: 'object',
  properties: { title: { type: 'string' } },
  required: ['title'],
  additionalProperties: false,
}

describe('a reply', () => {
  hardCase(
    'streamed: is whole, and its usage is what is billed',
    { replies: [long] },
    ({ reply, fake, sent, billed }) => {
      expect(reply).toMatchObject({ text: long, calls: [], finish: 'stop', model: 'gpt-5-mini' })
      expect(fake.requests[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
      expect(reply?.usage).toEqual({ input: billed.input, output: billed.output })
      expect(sent).toBe(1)
    },
  )

  const calls = [
    { name: 'look_up', input: { query: 'a text that is streamed in several pieces' }, id: 'a' },
    { name: 'add', input: { a: 1 }, id: 'b' },
    { name: 'look_up', input: { query: 'again' }, id: 'c' },
  ]
  hardCase(
    'with parallel calls of tools: has them in order, arguments whole',
    { replies: [{ text: 'Let me see.', calls }] },
    ({ reply, fake, sent }) => {
      expect(reply).toMatchObject({ text: 'Let me see.', finish: 'tools' })
      expect(reply?.calls).toEqual(calls.map(({ input, ...call }) => ({ ...call, arguments: JSON.stringify(input) })))
      expect(fake.requests[0]?.tools.map((tool) => tool.function.name)).toEqual(['add', 'look_up'])
      expect(sent).toBe(1)
    },
  )

  hardCase(
    'with structured output: is asked for by its schema',
    { replies: [{ json: { title: 'May' } }], asked: { schema } },
    ({ reply, fake }) => {
      expect(JSON.parse(reply?.text ?? '')).toEqual({ title: 'May' })
      expect(fake.requests[0]?.body['response_format']).toMatchObject({ type: 'json_schema', json_schema: { schema } })
    },
  )

  const tenThousand = 'four'.repeat(10_000)
  hardCase(
    'of 10,000 tokens: is whole',
    { replies: [tenThousand], asked: { max_output_tokens: 10_000 } },
    ({ reply, sent }) => {
      expect(reply).toMatchObject({ text: tenThousand, finish: 'stop', usage: { output: 10_000 } })
      expect(sent).toBe(1)
    },
  )

  const messages: ModelMessage[] = [
    { role: 'user', text: 'Go on.' },
    { role: 'assistant', text: '', calls: [{ id: 'c1', name: 'look_up', arguments: '{}' }] },
    { role: 'tool', id: 'c1', text: tenThousand },
  ]
  hardCase(
    'to the result of a tool of 10,000 tokens: the model reads all of it',
    { replies: ['Read.'], asked: { messages } },
    ({ reply, fake }) => {
      expect(reply?.usage.input).toBeGreaterThan(10_000)
      expect(fake.requests[0]?.messages.at(-1)?.content).toBe(tenThousand)
    },
  )

  hardCase(
    'cut at the most tokens: says so, and the cap was sent',
    { replies: [long], asked: { max_output_tokens: 5 } },
    ({ reply, billed }) => {
      expect(reply).toMatchObject({ text: long.slice(0, 20), finish: 'length', usage: { output: 5 } })
      expect(billed.output).toBe(5)
    },
  )

  const ignoring = { replies: [{ text: long, ignoresMaxTokens: true }], asked: { max_output_tokens: 10 } }
  hardCase('beyond the most tokens: is charged as the provider bills it', ignoring, ({ reply, billed }) => {
    expect(reply?.usage.output).toBe(fakeTokens(long))
    expect(reply?.usage.output).toBe(billed.output)
  })

  const boundless = {
    replies: [{ text: 'four'.repeat(1_000), ignoresMaxTokens: true }],
    asked: { max_output_tokens: 10 },
  }
  hardCase(
    'far beyond the most tokens: is cut, and each byte that came is charged as a token',
    boundless,
    ({ reply }) => {
      expect(reply).toMatchObject({ finish: 'length', usage: { output: reply?.text.length, estimated: true } })
      expect(reply?.text.length).toBeLessThan(4_000)
    },
  )

  hardCase(
    'without usage: bytes stand for tokens, never fewer than were billed',
    { replies: [{ text: long, usage: 'none' }] },
    ({ reply, billed }) => {
      expect(reply?.usage).toMatchObject({ estimated: true, output: Buffer.byteLength(long) })
      expect(reply?.usage.input).toBeGreaterThanOrEqual(billed.input)
      expect(reply?.usage.output).toBeGreaterThanOrEqual(billed.output)
    },
  )

  const cutArguments = [{ name: 'add', arguments: '{"a": 1,' }]
  hardCase(
    'with arguments that are no JSON: has them as the model wrote them',
    { replies: [{ calls: cutArguments }] },
    ({ reply, sent }) => {
      expect(reply).toMatchObject({ finish: 'tools', calls: cutArguments })
      expect(sent).toBe(1)
    },
  )

  hardCase(
    'with the name of a tool that nobody offered: has it as the model wrote it',
    { replies: [{ calls: [{ name: 'rm_rf' }] }] },
    ({ reply, sent }) => {
      expect(reply?.calls).toMatchObject([{ name: 'rm_rf', arguments: '{}' }])
      expect(sent).toBe(1)
    },
  )

  hardCase('that is empty: is a reply', { replies: [''] }, ({ reply }) => {
    expect(reply).toMatchObject({ text: '', calls: [], finish: 'stop' })
  })

  hardCase('that is filtered: says so', { replies: [{ text: 'a', finishReason: 'content_filter' }] }, ({ reply }) => {
    expect(reply?.finish).toBe('filter')
  })

  hardCase('that is a refusal: says so', { replies: [{ refusal: 'I will not.' }] }, ({ reply }) => {
    expect(reply).toMatchObject({ text: 'I will not.', finish: 'filter' })
  })

  const alphabet = 'abcdefghijklmnopqrstuvwxyz'
  const trickle = { replies: [{ text: Array.from(alphabet), everyMs: 100 }], asked: { idleMs: 2_000 } }
  hardCase('that trickles, never silent for too long: is waited for', trickle, ({ reply, sent }) => {
    expect(reply?.text).toBe(alphabet)
    expect(sent).toBe(1)
  })

  hardCase(
    'whose stream ends without [DONE]: is a reply, since its end was said',
    { replies: [{ text: long, truncate: 'no_done' }] },
    ({ reply, sent }) => {
      expect(reply).toMatchObject({ text: long, finish: 'stop' })
      expect(sent).toBe(1)
    },
  )
})

describe('429 and 5xx', () => {
  const busy = { replies: [{ status: 429, retryAfterMs: 20 }, { status: 429, retryAfter: 0 }, 'Done.'] }
  hardCase(
    '429 with Retry-After: is asked again when the provider says, and billed once',
    busy,
    ({ reply, sent, billed }) => {
      expect(reply?.text).toBe('Done.')
      expect(reply?.usage).toEqual({ input: billed.input, output: billed.output })
      expect([sent, billed.calls]).toEqual([3, 1])
    },
  )

  hardCase(
    '429 to the end: MODEL_RATE_LIMITED, and costs nothing',
    { replies: () => ({ status: 429, retryAfterMs: 1 }) },
    ({ code, failure, sent, billed }) => {
      expect(code).toBe('MODEL_RATE_LIMITED')
      expect(failure).toEqual({ status: 429, sent: 3 })
      expect([sent, billed.calls]).toEqual([3, 0])
    },
  )

  const tooLong = { replies: [{ status: 429, retryAfter: 3_600 }, 'Done.'] }
  hardCase(
    '429 with a Retry-After beyond the time of the call: is not waited for',
    tooLong,
    ({ code, failure, sent }) => {
      expect(code).toBe('MODEL_RATE_LIMITED')
      expect(failure).toEqual({ status: 429, sent: 1 })
      expect(sent).toBe(1)
    },
  )

  const noMoney = { replies: [{ status: 429, code: 'insufficient_quota', retryAfterMs: 1 }, 'Done.'] }
  hardCase('429 of an account without money: MODEL_RATE_LIMITED at once', noMoney, ({ code, sent }) => {
    expect(code).toBe('MODEL_RATE_LIMITED')
    expect(sent).toBe(1)
  })

  for (const status of [500, 502, 503, 529])
    hardCase(
      `${status}: is asked again, and billed once`,
      { replies: [{ status, retryAfterMs: 1 }, 'Done.'] },
      ({ reply, sent, billed }) => {
        expect(reply?.text).toBe('Done.')
        expect([sent, billed.calls]).toEqual([2, 1])
      },
    )

  const broken = { replies: () => ({ status: 500, retryAfterMs: 1 }), asked: { retries: 1 } }
  hardCase('500 to the end: MODEL_UNAVAILABLE, and costs nothing', broken, ({ code, failure, sent }) => {
    expect(code).toBe('MODEL_UNAVAILABLE')
    expect(failure).toEqual({ status: 500, sent: 2 })
    expect(sent).toBe(2)
  })

  for (const status of [400, 401, 403, 404, 422])
    hardCase(
      `${status}: MODEL_REFUSED at once, in the words of the provider`,
      { replies: [{ status, message: 'said so' }, 'Done.'] },
      ({ code, message, failure, sent }) => {
        expect(code).toBe('MODEL_REFUSED')
        expect(message).toContain('said so')
        expect(failure).toEqual({ status, sent: 1 })
        expect(sent).toBe(1)
      },
    )

  hardCase(
    '302: is not followed, MODEL_REFUSED',
    { replies: [{ status: 302 }, 'Done.'] },
    ({ code, failure, sent }) => {
      expect(code).toBe('MODEL_REFUSED')
      expect(failure).toEqual({ status: 302, sent: 1 })
      expect(sent).toBe(1)
    },
  )

  hardCase('204: no answer at all is MODEL_UNAVAILABLE', { replies: [{ status: 204 }, 'Done.'] }, ({ code, sent }) => {
    expect(code).toBe('MODEL_UNAVAILABLE')
    expect(sent).toBe(1)
  })

  const page = secretPage(new TextEncoder().encode('sk-right'))
  const key = { name: 'OPENAI_API_KEY', placeholder: 'vigil-placeholder-0123456789', page }
  hardCase('with the key of the provider: is let in', { apiKey: 'sk-right', asked: { key } }, ({ reply, fake }) => {
    expect(reply?.text).toBe('Done.')
    expect(fake.requests[0]?.headers['authorization']).toBe('Bearer sk-right')
  })

  const leaky = { replies: [{ status: 401, message: 'the key sk-right is no good' }], asked: { key } }
  hardCase('an error that repeats the key: is told without it', leaky, ({ message }) => {
    expect(message).toContain('is no good')
    expect(message).not.toContain('sk-right')
  })

  const deaf = { asked: { baseUrl: nowhere, retries: 1 } }
  hardCase('nobody listens: MODEL_UNAVAILABLE, and costs nothing', deaf, ({ code, failure, sent }) => {
    expect(code).toBe('MODEL_UNAVAILABLE')
    expect(failure).toEqual({ sent: 2 })
    expect(sent).toBe(0)
  })
})

describe('a reply that breaks off', () => {
  const brokenOff: readonly [string, FakeReply][] = [
    ['its socket is destroyed', { text: long, truncate: 'socket' }],
    ['an error comes in it', { text: long, truncate: 'error' }],
    ['it ends without a reason', { text: long, truncate: 'no_finish' }],
    ['a piece of it is no JSON', { text: long, malformed: true }],
  ]
  for (const [how, reply] of brokenOff)
    hardCase(
      `${how}: MODEL_MALFORMED with the bytes that came, and is not asked again`,
      { replies: [reply, 'Done.'] },
      ({ code, failure, sent, billed }) => {
        expect(code).toBe('MODEL_MALFORMED')
        expect(failure?.sent).toBe(1)
        expect(failure?.answered).toBeGreaterThan(0)
        expect([sent, billed.calls]).toEqual([1, 1])
      },
    )
})

describe('silence', () => {
  const silent = { replies: [{ hang: 'before_headers' } as const, 'Done.'], asked: { idleMs: 2_500 } }
  hardCase(
    'before the first byte: MODEL_TIMEOUT after the idle time, and the connection is closed',
    silent,
    ({ code, failure, sent, fake }) => {
      expect(code).toBe('MODEL_TIMEOUT')
      // Nobody knows what the model did meanwhile: what it was sent is paid for.
      expect(failure).toEqual({ sent: 1, answered: 0 })
      expect(sent).toBe(1)
      expect(fake.requests[0]?.ended).toBe('abandoned')
    },
  )

  const stuck = {
    replies: [{ text: ['half', 'whole'], hang: 'in_stream' } as const, 'Done.'],
    asked: { idleMs: 2_500 },
  }
  hardCase(
    'in the middle: MODEL_TIMEOUT after the idle time, with the bytes that came',
    stuck,
    ({ code, failure, sent, fake }) => {
      expect(code).toBe('MODEL_TIMEOUT')
      expect(failure).toEqual({ sent: 1, answered: 4 })
      expect(sent).toBe(1)
      expect(fake.requests[0]?.ended).toBe('abandoned')
    },
  )

  const endless = { text: Array.from({ length: 1_000 }, () => 'four'), everyMs: 20 }
  hardCase(
    'a trickle is no silence, but has its end: MODEL_TIMEOUT after the time of the call',
    { replies: [endless], asked: { timeoutMs: 2_500 } },
    ({ code, failure, sent, fake }) => {
      expect(code).toBe('MODEL_TIMEOUT')
      expect(failure?.answered).toBeGreaterThan(0)
      expect(sent).toBe(1)
      expect(fake.requests[0]?.ended).toBe('abandoned')
    },
  )

  const givenUp = {
    replies: [{ hang: 'before_headers' } as const, 'Done.'],
    meanwhile: async (
      fake: Parameters<NonNullable<Parameters<typeof hardCase>[1]['meanwhile']>>[0],
      giveUp: AbortController,
    ) => {
      await fake.arrived(1)
      giveUp.abort()
      await until('the server to see it', () => fake.requests[0]?.ended === 'abandoned')
    },
  }
  hardCase('the caller gives up: the server sees it, and nothing is sent again', givenUp, ({ code, sent, billed }) => {
    expect(code).toBeDefined()
    expect([sent, billed.calls]).toEqual([1, 0])
  })
})
