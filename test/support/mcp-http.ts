import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { mcpServer } from '../fixtures/mcp/tools.ts'

export interface McpHttpServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly notes: readonly string[]
  readonly headers: readonly IncomingHttpHeaders[]
  /** Sessions of before are unknown from now on. */
  forget(): void
  /** Connections that are open. */
  connections(): Promise<number>
}

/** The server by hand over streamable HTTP, each answer a JSON document. */
export async function mcpHttpServer(): Promise<McpHttpServer> {
  const notes: string[] = []
  const headers: IncomingHttpHeaders[] = []
  let session = 1
  const answer = mcpServer({ die: () => server.closeAllConnections(), note: (said) => void notes.push(said) })
  const server = createServer(async (request, response) => {
    headers.push(request.headers)
    if (request.method !== 'POST') return void response.writeHead(request.method === 'DELETE' ? 200 : 405).end()
    const named = request.headers['mcp-session-id']
    if (named !== undefined && named !== `${session}`) return void response.writeHead(404).end()
    const found = await answer(JSON.parse(await text(request)))
    if (found === undefined) return void response.writeHead(202).end()
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `${session}` })
    response.end(JSON.stringify(found))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    notes,
    headers,
    forget() {
      session += 1
    },
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
