import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/** Fault test 24: a turn waits for an approval while the supervisor is killed again and again. */
const restarts = process.env['VIGIL_TORTURE'] === '1' ? 100 : 10

let folder: string
let daemon: Daemon
let outside: Server
/** What reached the world outside: payments, and notices by their ids. */
const paid: unknown[] = []
const notices: string[] = []

beforeEach(async () => {
  paid.length = 0
  notices.length = 0
  outside = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      if (request.url === '/pay') paid.push(JSON.parse(text))
      else notices.push(String(request.headers['webhook-id']))
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  const { port } = outside.address() as AddressInfo
  folder = mkdtempSync(join(tmpdir(), 'vigil-approval-'))
  writeFileSync(
    join(folder, 'payer.agent'),
    `name: payer
entrypoint: ./payer.mjs
network: { allow: ["127.0.0.1:${port}"] }
approval: { timeout: 1h, notify: { webhook_url: "http://127.0.0.1:${port}/notice", format: slack } }
`,
  )
  writeFileSync(
    join(folder, 'payer.mjs'),
    `export default async function run(event, ctx) {
  const { approved, edits, by } = await ctx.approve({ action: 'pay', details: event.payload })
  if (!approved) return 'not paid'
  const order = { ...event.payload, ...edits }
  await ctx.fetch('http://127.0.0.1:${port}/pay', { method: 'POST', body: JSON.stringify(order) })
  return { order, by }
}
`,
  )
  daemon = await startDaemon(join(folder, 'data'), [folder])
})
afterEach(async () => {
  daemon.child.kill('SIGTERM')
  await daemon.exited
  outside.closeAllConnections()
  await new Promise((resolve) => outside.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

const payer = async () => (await daemon.call('GET', '/processes/payer')).body
const requests = async () =>
  (await daemon.call('GET', '/requests')).body['requests'] as { id: string; turn: string; input_hash: string }[]
const count = async (type: string) =>
  ((await daemon.call('GET', `/processes/payer/journal?type=${type}`)).body['entries'] as unknown[]).length

test(`fault 24: through ${restarts} restarts an approval is asked once, told once, and holds no thread; the edited call runs once`, async () => {
  const order = { iban: 'DE1', amount: 5 }
  await daemon.call('POST', '/processes/payer/events', order)
  await until('the turn to be let go', async () => (await payer())['state'] === 'awaiting')
  await until('the notice to be taken', async () => (await count('notice.sent')) === 1)
  const [asked] = await requests()
  for (let round = 0; round < restarts; round += 1) {
    daemon.child.kill('SIGKILL')
    await daemon.exited
    daemon = await startDaemon(join(folder, 'data'), [], {}, { waitFor: 'listening' })
    expect(await payer()).toMatchObject({ state: 'awaiting', residency: 'hibernated' })
    expect(await requests()).toEqual([asked])
  }
  const [open, started, sent] = await Promise.all(['request.opened', 'incarnation.started', 'notice.sent'].map(count))
  expect([open, started, sent, paid]).toEqual([1, 1, 1, []])

  const word = { decision: 'approve', edits: { amount: 4 }, reason: 'half' }
  expect((await daemon.call('POST', `/requests/${asked?.id}`, word)).status).toBe(200)
  const second = await daemon.call('POST', `/requests/${asked?.id}`, { decision: 'deny' })
  expect(second).toMatchObject({
    status: 409,
    body: { error: { code: 'ALREADY_DECIDED', details: { by: 'operator' } } },
  })
  await until('the turn to end', async () => (await count('turn.completed')) === 1)
  const { body } = await daemon.call('GET', `/processes/payer/turns/${asked?.turn}`)
  const end = (body['entries'] as { type: string; data: unknown }[]).find(({ type }) => type === 'turn.completed')
  expect(end?.data).toMatchObject({ result: { order: { iban: 'DE1', amount: 4 }, by: 'operator' } })
  expect([paid, await count('request.decided'), new Set(notices).size]).toEqual([[{ iban: 'DE1', amount: 4 }], 1, 1])
}, 300_000)
