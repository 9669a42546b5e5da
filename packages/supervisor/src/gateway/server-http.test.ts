import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JSONRPCMessage } from '@modelcontextprotocol/client'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import type { Resolver } from './pinned-connector.ts'
import { type HttpTransport, httpTransport } from './server-http.ts'

const ping = { jsonrpc: '2.0' as const, id: 1, method: 'ping' }
const clock = systemClock()
let server: Server | undefined
let opened: HttpTransport | undefined
afterEach(async () => {
  await opened?.end()
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function sent(url: string, resolver?: Resolver) {
  const messages: JSONRPCMessage[] = []
  const { promise, resolve } = Promise.withResolvers<string | number>()
  const address = { kind: 'http' as const, url, headers: {}, secrets: [] }
  opened = httpTransport(address, { clock, ownPorts: new Set(), resolver, unanswered: resolve })
  const { transport } = opened
  transport.onmessage = (message) => void messages.push(message)
  await transport.start()
  return { done: transport.send(ping), messages, unanswered: promise }
}

test('a redirect to another host is not followed', async () => {
  const seen: string[] = []
  const url = await serve((request, response) => {
    seen.push(`${request.headers.host}${request.url}`)
    response.writeHead(307, { location: `http://localhost:${request.socket.localPort}/elsewhere` }).end()
  })
  const { done } = await sent(`${url}/mcp`)
  await expect(done).rejects.toThrow()
  expect(seen).toEqual([`${new URL(url).host}/mcp`])
})

test('a name on the internet that leads into a network of its own is refused, unless its port is named', async () => {
  const url = await serve((_request, response) => void response.writeHead(202).end())
  const { port } = new URL(url)
  const inside: Resolver = (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }])
  const { done } = await sent('http://mcp.example/mcp', inside)
  await expect(done).rejects.toThrow()
  await done.catch((error: Error) =>
    expect(JSON.stringify([error, String(error.cause)])).toContain('not on the internet'),
  )
  await opened?.end()
  const named = await sent(`http://mcp.example:${port}/mcp`, inside)
  await named.done
})

test('an answer that is too long is not read to its end, as a document and as an event', async () => {
  for (const type of ['application/json', 'text/event-stream']) {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': type })
      response.write(type === 'application/json' ? '{"x":"' : 'data: ')
      const more = (): void => {
        if (response.write('x'.repeat(65_536))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    const { done, unanswered, messages } = await sent(`${url}/mcp`)
    if (type === 'application/json') await expect(done).rejects.toThrow('more than 4000000 bytes')
    else expect(await unanswered).toBe(1)
    expect(messages).toEqual([])
    await opened?.end()
    server?.closeAllConnections()
    server?.close()
  }
})

test('a stream that ends without the answer says so', async () => {
  const url = await serve(
    (_request, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n'),
  )
  const { unanswered } = await sent(`${url}/mcp`)
  expect(await unanswered).toBe(1)
})
