import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { HttpClient, HttpRequest } from '@vigil/protocol'
import { simulatedHttpClient, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { httpClient } from '../../packages/supervisor/src/platform/http-client.ts'

interface Subject {
  readonly client: HttpClient
  readonly origin: string
  /** An origin that nobody serves. */
  readonly nowhere: string
  /** Resolves when the silent route has taken a request. */
  readonly silenced: Promise<unknown>
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

const large = 'x'.repeat(50_000)

async function real(): Promise<Subject> {
  const silenced = Promise.withResolvers<void>()
  const pages: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '/echo': async (request, response) => {
      const { 'x-test': test } = request.headers
      response.writeHead(201, 'Made', { 'X-Echo': String(test) }).end(`${request.method} ${await text(request)}`)
    },
    '/moved': (_request, response) => void response.writeHead(302, { location: '/echo' }).end(),
    '/large': (_request, response) => void response.end(large),
    '/twice': (_request, response) => void response.writeHead(200, [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-many', 'c'], ['x-many', 'd']].flat()).end(),
    '/cookies': (request, response) => void response.end(String(request.headers.cookie)),
    '/bomb': (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
    '/stalls': (_request, response) => void response.writeHead(200).write('some'),
    '/broken': (request) => void request.socket.destroy(),
    '/silent': () => silenced.resolve(),
  }
  const server = createServer((request, response) => (pages[request.url ?? ''] ?? (() => response.writeHead(404).end()))(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = httpClient()
  return {
    client,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nowhere: 'http://127.0.0.1:1',
    silenced: silenced.promise,
    advance: async () => {},
    async close() {
      await client.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

async function simulated(): Promise<Subject> {
  const clock = virtualClock()
  const silenced = Promise.withResolvers<void>()
  const forever = () => {
    silenced.resolve()
    return new Promise<never>(() => {})
  }
  const client = simulatedHttpClient(
    {
      '* http://here/echo': ({ method, headers, body }) => ({ status: 201, statusText: 'Made', headers: { 'X-Echo': headers['x-test'] ?? 'undefined' }, body: `${method} ${new TextDecoder().decode(body)}` }),
      'GET http://here/moved': { status: 302, headers: { location: '/echo' } },
      'GET http://here/large': { body: large },
      'GET http://here/twice': { headers: { 'set-cookie': 'a=1, b=2', 'x-many': 'c, d' } },
      'GET http://here/cookies': ({ headers }) => ({ body: String(headers.cookie) }),
      'GET http://here/broken': () => Promise.reject(new Error('reset')),
      'GET http://here/s*': forever,
    },
    { clock },
  )
  return { client, origin: 'http://here', nowhere: 'http://nowhere', silenced: silenced.promise, advance: (ms) => clock.advance(ms), close: () => client.close() }
}

const request = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({ method: 'GET', url, headers: {}, timeoutMs: 10_000, maxBodyBytes: 100_000, ...rest })
const unheard = new AbortController().signal
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe.each(Object.entries({ real, simulated }))('%s http client', (_name, open) => {
  let subject: Subject
  const start = async (): Promise<Subject> => {
    subject = await open()
    return subject
  }
  afterEach(() => subject.close())

  test('sends method, headers and body, and gives back status, headers and body', async () => {
    const { client, origin } = await start()
    const reply = await client.send(request(`${origin}/echo`, { method: 'POST', headers: { 'x-test': 'yes' }, body: new TextEncoder().encode('hello') }), unheard)
    expect(reply).toMatchObject({ status: 201, statusText: 'Made', headers: { 'x-echo': 'yes' } })
    expect(textOf(reply.body)).toBe('POST hello')
  })

  test('follows no redirect', async () => {
    const { client, origin } = await start()
    const reply = await client.send(request(`${origin}/moved`), unheard)
    expect([reply.status, reply.headers.location]).toEqual([302, '/echo'])
  })

  test('joins repeated headers and keeps no cookies', async () => {
    const { client, origin } = await start()
    expect((await client.send(request(`${origin}/twice`), unheard)).headers).toMatchObject({ 'set-cookie': 'a=1, b=2', 'x-many': 'c, d' })
    expect(textOf((await client.send(request(`${origin}/cookies`), unheard)).body)).toBe('undefined')
  })

  test('takes a body up to its cap and not a byte more', async () => {
    const { client, origin } = await start()
    expect((await client.send(request(`${origin}/large`, { maxBodyBytes: large.length }), unheard)).body).toHaveLength(large.length)
    await expect(client.send(request(`${origin}/large`, { maxBodyBytes: large.length - 1 }), unheard)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test.each(['/silent', '/stalls'])('the timeout covers headers and body: %s', async (path) => {
    const { client, origin, advance } = await start()
    const outcome = expect(client.send(request(`${origin}${path}`, { timeoutMs: 50 }), unheard)).rejects.toMatchObject({ code: 'FETCH_TIMEOUT', message: expect.stringContaining('50 ms') })
    await advance(50)
    await outcome
  })

  test('a caller who gives up gets FETCH_FAILED, before and under way', async () => {
    const { client, origin, silenced } = await start()
    await expect(client.send(request(`${origin}/echo`), AbortSignal.abort())).rejects.toMatchObject({ code: 'FETCH_FAILED' })
    const caller = new AbortController()
    const outcome = expect(client.send(request(`${origin}/silent`), caller.signal)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.stringContaining('gave up') })
    await silenced
    caller.abort()
    await outcome
  })

  test('an unreachable host and a broken connection are FETCH_FAILED, without the query in the message', async () => {
    const { client, origin, nowhere } = await start()
    for (const url of [`${nowhere}/?key=hidden`, `${origin}/broken`]) {
      await expect(client.send(request(url), unheard)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.not.stringContaining('hidden') })
    }
  })

  test('close ends what is under way and refuses what comes later', async () => {
    const { client, origin, silenced } = await start()
    const outcome = expect(client.send(request(`${origin}/silent`), unheard)).rejects.toMatchObject({ code: 'FETCH_FAILED' })
    await silenced
    await client.close()
    await outcome
    await expect(client.send(request(`${origin}/echo`), unheard)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.stringContaining('closed') })
    await client.close()
  })
})

describe('undici', () => {
  let subject: Subject
  beforeEach(async () => {
    subject = await real()
  })
  afterEach(() => subject.close())

  test('counts a compressed body as what it becomes', async () => {
    const { client, origin } = subject
    await expect(client.send(request(`${origin}/bomb`), unheard)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test('an invalid request is FETCH_FAILED and says why', async () => {
    const { client, origin } = subject
    await expect(client.send(request('not a url'), unheard)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.stringContaining('invalid URL') })
    await expect(client.send(request(`${origin}/echo`, { headers: { 'bad name': '1' } }), unheard)).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  })
})
