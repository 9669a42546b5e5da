import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/** Fault test 24: a turn waits for an approval while the supervisor is killed again and again. */
const restarts = process.env['VIGIL_TORTURE'] === '1' ? 100 : 10

let folder: string
let daemon: Daemon
let outside: Server
/** One asks in its own words, the other calls a tool that needs an approval. */
const names = ['payer', 'clerk'] as const
/** What reached the world outside: payments, and notices by their ids. */
const paid: { iban: (typeof names)[number]; amount: number }[] = []
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
  for (const name of names)
    writeFileSync(
      join(folder, `${name}.agent`),
      `name: ${name}
entrypoint: ./${name}.mjs
network: { allow: ["127.0.0.1:${port}"] }
approval: { tools: ["pay*"], timeout: 1h, notify: { webhook_url: "http://127.0.0.1:${port}/notice", format: slack } }
`,
    )
  const pay = `ctx.fetch('http://127.0.0.1:${port}/pay', { method: 'POST', body: JSON.stringify(order) })`
  writeFileSync(
    join(folder, 'payer.mjs'),
    `export default async function run(event, ctx) {
  const { approved, edits } = await ctx.approve({ action: 'pay', details: event.payload })
  if (!approved) return 'not paid'
  const order = { ...event.payload, ...edits }
  await ${pay}
  return order
}
`,
  )
  writeFileSync(
    join(folder, 'clerk.mjs'),
    `const payOrder = {
  name: 'pay_order',
  irreversible: true,
  parameters: { type: 'object', properties: { amount: { type: 'number' } }, required: ['iban', 'amount'] },
  async run(order, ctx) {
    await ${pay}
    return order
  },
}
export default { tools: [payOrder], run: (event, ctx) => ctx.tools.call('pay_order', event.payload) }
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

const call = async (path: string) => (await daemon.call('GET', path)).body
const requests = async () =>
  (await call('/requests'))['requests'] as { id: string; process: string; turn: string; input_hash: string }[]
const records = async (name: string, type: string) =>
  (await call(`/processes/${name}/journal?type=${type}`))['entries'] as { data: Record<string, unknown> }[]
const counts = (...types: string[]) =>
  Promise.all(names.map((name) => Promise.all(types.map(async (type) => (await records(name, type)).length))))
const both = <T>(value: T): T[] => names.map(() => value)

test(`fault 24: through ${restarts} restarts an approval is asked once, told once, and holds no thread; the edited call runs once`, async () => {
  for (const name of names) await daemon.call('POST', `/processes/${name}/events`, { iban: name, amount: 5 })
  const states = () => Promise.all(names.map(async (name) => (await call(`/processes/${name}`))['state']))
  await until('the turns to be let go', async () => (await states()).every((state) => state === 'awaiting'))
  await until('the notices to be taken', async () => isDeepStrictEqual(await counts('notice.sent'), both([1])))
  const asked = await requests()
  for (let round = 0; round < restarts; round += 1) {
    daemon.child.kill('SIGKILL')
    await daemon.exited
    daemon = await startDaemon(join(folder, 'data'), [], {}, { waitFor: 'listening' })
    for (const name of names)
      expect(await call(`/processes/${name}`)).toMatchObject({ state: 'awaiting', residency: 'hibernated' })
    expect(await requests()).toEqual(asked)
  }
  expect(await counts('request.opened', 'incarnation.started', 'notice.sent')).toEqual(both([1, 1, 1]))
  expect([asked.length, paid]).toEqual([2, []])

  for (const { id, process } of asked) {
    const word = { decision: 'approve', edits: { iban: process, amount: 4 }, reason: 'half' }
    expect((await daemon.call('POST', `/requests/${id}`, word)).status).toBe(200)
    const second = await daemon.call('POST', `/requests/${id}`, { decision: 'deny' })
    expect(second).toMatchObject({
      status: 409,
      body: { error: { code: 'ALREADY_DECIDED', details: { by: 'operator' } } },
    })
  }
  await until('the turns to end', async () => isDeepStrictEqual(await counts('turn.completed'), both([1])))
  for (const name of names) {
    const [end] = await records(name, 'turn.completed')
    expect(end?.data).toMatchObject({ result: { iban: name, amount: 4 } })
  }
  const orders = names.map((iban) => ({ iban, amount: 4 }))
  expect(paid.toSorted((a, b) => names.indexOf(a.iban) - names.indexOf(b.iban))).toEqual(orders)
  expect([await counts('request.decided'), new Set(notices).size]).toEqual([both([1]), 2])
  const [intended] = (await records('clerk', 'effect.intended')).filter(({ data }) => data['kind'] === 'tool')
  expect(intended?.data['input']).toMatchObject({ name: 'pay_order', input: { amount: 4 } })
}, 300_000)
