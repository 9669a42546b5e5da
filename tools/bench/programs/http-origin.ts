import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** As many origins as it is told: `/slow` takes 1.5 s, all else answers at once. Prints their ports. */
const origins = Array.from({ length: Number(process.argv[2]) }, () =>
  createServer((request, response) => {
    const answer = (): void => void response.end('x'.repeat(1_000))
    if (request.url === '/slow') setTimeout(answer, 1_500)
    else answer()
  }).listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }),
)
await Promise.all(origins.map((origin) => new Promise((resolve) => origin.once('listening', resolve))))
process.stdout.write(`${origins.map((origin) => (origin.address() as AddressInfo).port).join(' ')}\n`)
process.stdin.once('end', () => process.exit()).resume()
