import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@vigil/supervisor/internal'
import { sendFailure, watchClient } from './answering.ts'
import { arrivals } from './arrivals.ts'
import { conversation, type FakeOpenAIOptions } from './conversation.ts'
import { bodyOf } from './incoming-body.ts'
import { type FakeBill, type FakeRequest, nothingBilled, openRequest } from './request.ts'

/** A server that was started by {@link startFakeOpenAI}. */
export interface FakeOpenAI extends AsyncDisposable {
  /** The base URL, `http://127.0.0.1:PORT/v1`. */
  readonly url: string
  /** All that arrived, oldest first. */
  readonly requests: readonly FakeRequest[]
  /**
   * What a provider would bill: each call that it began to answer, with all of its input and what was sent of its output. Four
   * bytes are a token, unless the reply gives its own usage.
   */
  readonly billed: FakeBill
  /**
   * The nth request (the first is 1), once it has arrived.
   * @throws an Error when the server is closed before
   */
  arrived(nth: number): Promise<FakeRequest>
  /** Cuts what is open and gives back the port. */
  close(): Promise<void>
}

/**
 * Starts a server on loopback that speaks as OpenAI's does (chat completions streamed and whole, tools, structured output,
 * embeddings, models, errors), says what the test gives it, and misbehaves as it is told.
 *
 * @example
 * await using fake = await startFakeOpenAI({ replies: [{ status: 429, retryAfter: 1 }, { calls: [{ name: 'add', input: { a: 1 } }] }] })
 * const client = new OpenAI({ baseURL: fake.url, apiKey: 'any' })
 * await client.chat.completions.create({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Add it.' }] })
 * expect(fake.requests).toHaveLength(2) // the client came again after a second
 * expect(fake.billed.calls).toBe(1)
 */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const clock = systemClock()
  const arrived = arrivals()
  const answer = conversation(options, clock)

  const server = createServer((incoming, response) => {
    const handle = async (): Promise<void> => {
      const body = await bodyOf(incoming)
      const request = openRequest(headOf(incoming), typeof body === 'string' ? {} : body)
      response.setHeader('x-request-id', `req_${arrived.add(request)}`)
      watchClient({ request, response })
      if (typeof body === 'string') return sendFailure({ request, response }, { status: 400, message: body })
      await answer({ request, response })
    }
    handle().catch((error: Error) => {
      // A function of the test threw: it is told, and no client comes again.
      if (response.headersSent) response.destroy()
      else response.writeHead(400).end(JSON.stringify({ error: { message: error.message, code: 'fake_threw' } }))
    })
  })
  // A crowd of clients that come at once is part of the job.
  await once(server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }), 'listening')
  const { port } = server.address() as AddressInfo

  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    clock.close()
    arrived.close()
    await closed
  }

  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests: arrived.all,
    get billed() {
      return arrived.all.reduce((sum, { billed }) => added(sum, billed), nothingBilled)
    },
    arrived: arrived.nth,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function headOf({
  method = 'GET',
  url = '/',
  headers,
}: IncomingMessage): Pick<FakeRequest, 'method' | 'path' | 'headers'> {
  return { method, path: url.split('?', 1)[0] ?? url, headers: headers as Readonly<Record<string, string>> }
}

const added = (one: FakeBill, other: FakeBill): FakeBill => ({
  calls: one.calls + other.calls,
  input: one.input + other.input,
  output: one.output + other.output,
})
