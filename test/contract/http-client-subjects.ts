import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { HttpClient } from '@vigil/protocol'
import { simulatedHttpClient, virtualClock } from '@vigil/testkit'
import { httpGateway } from '../../packages/supervisor/src/gateway/http-gateway.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'

/** The real client against a server on loopback, and its twin with the same pages, behind one face for the contract. */
export interface Subject {
  readonly client: HttpClient
  readonly origin: string
  /** An origin that nobody serves. */
  readonly nowhere: string
  /** Resolves when the silent route has taken a request. */
  readonly silenced: Promise<unknown>
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

export const large = 'x'.repeat(50_000)

export async function real(): Promise<Subject> {
  const silenced = Promise.withResolvers<void>()
  const pages: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '/echo': async (request, response) => {
      const { 'x-test': test } = request.headers
      response.writeHead(201, 'Made', { 'X-Echo': String(test) }).end(`${request.method} ${await text(request)}`)
    },
    '/moved': (_request, response) => void response.writeHead(302, { location: '/echo' }).end(),
    '/large': (_request, response) => void response.end(large),
    '/twice': (_request, response) =>
      void response
        .writeHead(
          200,
          [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
            ['x-many', 'c'],
            ['x-many', 'd'],
          ].flat(),
        )
        .end(),
    '/cookies': (request, response) => void response.end(String(request.headers.cookie)),
    '/bomb': (_request, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
    '/stalls': (_request, response) => void response.writeHead(200).write('some'),
    '/broken': (request) => void request.socket.destroy(),
    '/silent': () => silenced.resolve(),
  }
  const server = createServer((request, response) =>
    (pages[request.url ?? ''] ?? (() => response.writeHead(404).end()))(request, response),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const clock = systemClock()
  const client = httpGateway({ clock })
  return {
    client,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nowhere: 'http://127.0.0.1:1',
    silenced: silenced.promise,
    advance: async () => {},
    async close() {
      await client.close()
      clock.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

export async function simulated(): Promise<Subject> {
  const clock = virtualClock()
  const silenced = Promise.withResolvers<void>()
  const forever = () => {
    silenced.resolve()
    return new Promise<never>(() => {})
  }
  const client = simulatedHttpClient(
    {
      '* http://here/echo': ({ method, headers, body }) => ({
        status: 201,
        statusText: 'Made',
        headers: { 'X-Echo': headers['x-test'] ?? 'undefined' },
        body: `${method} ${new TextDecoder().decode(body)}`,
      }),
      'GET http://here/moved': { status: 302, headers: { location: '/echo' } },
      'GET http://here/large': { body: large },
      'GET http://here/twice': { headers: { 'set-cookie': 'a=1, b=2', 'x-many': 'c, d' } },
      'GET http://here/cookies': ({ headers }) => ({ body: String(headers.cookie) }),
      'GET http://here/broken': () => Promise.reject(new Error('reset')),
      'GET http://here/s*': forever,
    },
    { clock },
  )
  return {
    client,
    origin: 'http://here',
    nowhere: 'http://nowhere',
    silenced: silenced.promise,
    advance: (ms) => clock.advance(ms),
    close: () => client.close(),
  }
}
