import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@vigil/api'
import { Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'

const entrypoint = new URL('../fixtures/fetcher/fetcher.ts', import.meta.url)
const servers: Server[] = []
let supervisor: Supervisor

beforeEach(async () => {
  supervisor = await Supervisor.start({ journal: 'memory', env: { HTTP_PROXY: 'http://127.0.0.1:1', ALL_PROXY: 'x' } })
})
afterEach(async () => {
  await supervisor.stop()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(answer: RequestListener): Promise<{ readonly host: string; connections: number }> {
  const server = createServer(answer)
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const seen = { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections: 0 }
  server.on('connection', () => {
    seen.connections += 1
  })
  return seen
}

async function fetched(allow: readonly string[], url: string): Promise<unknown> {
  const agent = await supervisor.spawn({ name: 'fetcher', entrypoint, network: { allow } })
  return await agent.run({ url })
}

test('an agent reaches what its manifest names; a redirect to anywhere else is refused before it connects', async () => {
  const inside = await listen((_request, response) => void response.end('inside'))
  const outside = await listen((request, response) => {
    if (request.url === '/') response.end('outside')
    else response.writeHead(302, { location: `http://${inside.host}/` }).end()
  })
  expect(await fetched([outside.host], `http://${outside.host}/`)).toEqual({ status: 200, text: 'outside' })
  expect(await fetched([outside.host], `http://${outside.host}/away`)).toMatchObject({
    code: 'NETWORK_DENIED',
    message: expect.stringContaining(`network: { allow: ["${inside.host}"] }`),
  })
  expect(inside.connections).toBe(0)
  expect(await fetched([outside.host, inside.host], `http://${outside.host}/away`)).toEqual({
    status: 200,
    text: 'inside',
  })
})

test('no agent reaches the listener of its supervisor, whatever is allowed', async () => {
  const listener = await serve(supervisor, { port: 0, token: undefined })
  try {
    const { port } = listener
    const allow = [`127.0.0.1:${port}`, `localhost:${port}`]
    for (const url of [`${listener.url}/api/v1/health`, `http://localhost:${port}/api/v1/health`])
      expect(await fetched(allow, url)).toMatchObject({
        code: 'NETWORK_DENIED',
        message: expect.stringContaining('a call of Vigil to itself'),
      })
  } finally {
    await listener.close()
  }
})
