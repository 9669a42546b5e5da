import { LLMock } from '@copilotkit/aimock'
import { type FakeReply, startFakeOpenAI } from '@vigil/testkit'
import OpenAI from 'openai'

/** What both fakes can be made to say to what the user says. */
export type Plan = Readonly<Record<string, Exclude<FakeReply, string>>>

/** Two servers that others may take for OpenAI's, behind one face for the contract. */
export interface Subject extends AsyncDisposable {
  readonly client: OpenAI
}

/** Nothing is tried twice by the client: each call of a test is one request. */
const clientOf = (baseURL: string): OpenAI => new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 })

export async function ours(plan: Plan): Promise<Subject> {
  const fake = await startFakeOpenAI({
    replies: ({ messages }) => plan[`${messages.at(-1)?.content}`] ?? { status: 404 },
    embeddings: ({ body }) => (body['input'] === 'fail' ? { status: 500 } : 'vectors'),
  })
  return { client: clientOf(fake.url), [Symbol.asyncDispose]: fake.close }
}

export async function aimock(plan: Plan): Promise<Subject> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent', chunkSize: 12 })
  for (const [said, reply] of Object.entries(plan)) {
    if ('status' in reply) {
      const { status, retryAfter, message = '', type = 'requests', code = 'rate_limit_exceeded' } = reply
      const error = { message, type, code }
      mock.onMessage(said, { status, error, ...(retryAfter !== undefined && { retryAfter }) })
    } else if (reply.calls !== undefined) {
      const toolCalls = reply.calls.map(({ name, input }) => ({ name, arguments: JSON.stringify(input) }))
      mock.onMessage(said, { toolCalls })
    } else mock.onMessage(said, { content: reply.json === undefined ? `${reply.text}` : JSON.stringify(reply.json) })
  }
  mock.onEmbedding('fail', { status: 500, error: { message: 'no', type: 'server_error' } })
  await mock.start()
  return { client: clientOf(`${mock.url}/v1`), [Symbol.asyncDispose]: () => mock.stop() }
}
