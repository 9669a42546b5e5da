import { createHmac } from 'node:crypto'
import { connect } from 'node:net'

/**
 * Sends signed webhooks as quickly as they are answered, over so many connections, for so long; prints how many were answered 202.
 * In a process of its own: it may not take the time of the one that it measures.
 */
const [port, secret = '', connections, ms, run = ''] = process.argv.slice(2)
const body = JSON.stringify({ action: 'opened', text: 'x'.repeat(250) })
const code = createHmac('sha256', secret).update(body).digest('hex')
const head = `POST /hooks/in HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-webhook-signature: sha256=${code}\r\n`
const until = performance.now() + Number(ms)
let sent = 0
let accepted = 0

const converse = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    const next = (): void => {
      if (performance.now() >= until) return void socket.end()
      sent += 1
      socket.write(`${head}idempotency-key: ${run}-${sent}\r\n\r\n${body}`)
    }
    let reply = ''
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('connect', next)
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.on('data', (text: string) => {
      reply += text
      const end = reply.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(reply)
      if (end === -1 || length === null || reply.length < end + 4 + Number(length[1])) return
      if (reply.startsWith('HTTP/1.1 202')) accepted += 1
      reply = ''
      next()
    })
  })

await Promise.all(Array.from({ length: Number(connections) }, converse))
process.stdout.write(`${accepted}\n`)
