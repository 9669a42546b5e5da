import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** In the place of the real ones: two sources, the list of deployments, and a hook as Slack has them. */
export interface Services extends AsyncDisposable {
  /** `host:port`. */
  readonly host: string
  /** What was posted, oldest first. */
  readonly posts: readonly { readonly path: string; readonly text: string }[]
}

export async function startServices({ port = 0, now = Date.now() } = {}): Promise<Services> {
  const posts: { path: string; text: string }[] = []
  const yesterday = new Date(now - 86_400_000).toISOString()
  const answers: Readonly<Record<string, unknown>> = {
    '/pipelines': [
      { name: 'orders', rows: 412, expected: 9_800 },
      { name: 'visits', rows: 120_311, expected: 118_000 },
    ],
    '/warehouse': [
      { table: 'orders_daily', loaded: new Date(now - 2 * 86_400_000).toISOString() },
      { table: 'visits_daily', loaded: new Date(now - 3_600_000).toISOString() },
    ],
    '/deployments': [{ service: 'checkout', change: 'orders are written to a new queue', by: 'Ada', at: yesterday }],
  }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://services')
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.method === 'POST' && pathname.startsWith('/services/')) {
      posts.push({ path: pathname, text: (JSON.parse(body) as { text: string }).text })
      response.end('ok')
    } else if (answers[pathname] === undefined) response.writeHead(404).end()
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[pathname]))
  })
  await listening(server, port)
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })

if (import.meta.main) {
  const { host } = await startServices({ port: 9311 })
  process.stdout.write(`the services of morning-report listen on ${host}\n`)
}
