import { createServer } from 'node:http'

/** The world outside as a process of its own: it remembers every request, whatever becomes of those who sent it. */
interface Entry {
  readonly key: string | undefined
  readonly body: unknown
}

const entries: Entry[] = []
const server = createServer((request, reply) => {
  // `GET /17`: all but the first 17.
  if (request.method === 'GET') return void reply.end(JSON.stringify(entries.slice(Number(request.url?.slice(1)))))
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (piece: string) => {
    text += piece
  })
  request.on('end', () => {
    const key = request.headers['idempotency-key']
    entries.push({ key: typeof key === 'string' ? key : undefined, body: JSON.parse(text) })
    reply.end('{}')
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))
// It ends with whoever started it.
process.on('disconnect', () => process.exit(0))
