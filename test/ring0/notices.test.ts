import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AgentContext } from '@vigil/agent'
import {
  type Fault,
  http,
  judge,
  nth,
  ring0,
  type World,
  type WorldAgent,
  type WorldOptions,
  world,
} from '@vigil/testkit'
import { Webhook } from 'standardwebhooks'
import { afterEach, expect, test } from 'vitest'
import { noticeMessage } from '../../packages/supervisor/src/notices/wire.ts'

let w: World
afterEach(() => w?.close())

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const url = 'https://ops.test/vigil'
const notify = { webhookUrl: url, secret: '${OPS_SECRET}' } as const
const payer: WorldAgent = {
  run: (_event, ctx: AgentContext) => ctx.approve({ action: 'pay', details: { amount: 5 }, timeout: '10h' }),
  approval: { notify },
}

async function live(
  agents: Record<string, WorldAgent>,
  faults: readonly Fault[] = [],
  more: Partial<WorldOptions> = {},
): Promise<void> {
  w = world({ seed: 1, agents, faults, adopts: false, env: { OPS_SECRET: secret, HOOK_URL: url }, ...more })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const post = (key: string) => void w.client.postEvent('payer', { key }, { idempotencyKey: key })
const recordsOf = (type: string) => w.told.flat().filter((record) => record.type === type)
const attention = () => w.supervisor?.get('payer').status().attention

/** What a receiver has heard, verified as those who wrote the standard verify it. */
const heard: { id: string; body: { type: string; data: Record<string, unknown> } }[] = []
const receiver: Pick<WorldOptions, 'answers'> = {
  answers: ({ headers, body }) => {
    heard.push({ id: headers['webhook-id'] ?? '', body: JSON.parse(new TextDecoder().decode(body)) })
    return { status: 204 }
  },
}
afterEach(() => void heard.splice(0))

test('a request is told once, and stands under what needs attention', async () => {
  await live({ payer }, [], receiver)
  post('a')
  await w.run(10_000)
  const [open] = (await w.supervisor?.requests()) ?? []
  expect(heard).toMatchObject([
    { body: { type: 'request.opened', data: { id: open?.id, process: 'payer', asked: { action: 'pay' } } } },
  ])
  expect(recordsOf('notice.sent')).toHaveLength(1)
  expect(attention()).toEqual([{ what: expect.stringContaining(`approval ${open?.id}`), since: open?.at }])
  await end()
})

test('a receiver that fails is tried again under the same id, across deaths of ring 0, until it takes it', async () => {
  const faults = [
    http.refuse().at(1_000),
    ring0.kill.after('notice.queued', nth(1)),
    ring0.kill.after('notice.failed', nth(1)),
    http.fail().at(62_000),
    ring0.cutPower().after('notice.failed', nth(3)),
  ]
  await live({ payer }, faults, receiver)
  await w.run(1_000)
  post('a')
  await w.run(20_000)
  expect(attention()).toMatchObject([{}, { what: expect.stringMatching(/^notice \S+ is not taken after \d+ tries/) }])
  await w.run(600_000)
  expect(
    recordsOf('notice.queued').filter(({ seq }, index, all) => all.findIndex((each) => each.seq === seq) === index),
  ).toHaveLength(1)
  expect(new Set(heard.map(({ id }) => id)).size).toBe(1)
  expect(recordsOf('notice.sent')).toHaveLength(1)
  expect(attention()).toHaveLength(1)
  await end()
})

test('whom nobody takes is given up, and stands under what needs attention', async () => {
  await live({ payer }, [], { answers: () => ({ status: 500 }) })
  post('a')
  await w.run(8 * 3_600_000)
  expect(recordsOf('notice.failed')).toHaveLength(12)
  expect(attention()).toMatchObject([{}, { what: expect.stringMatching(/is given up after 12 tries: .* 500$/) }])
  await end()
})

test('a secret that is not there fails the try, and says which variable', async () => {
  await live({ payer }, [], { env: {}, ...receiver })
  post('a')
  await w.run(5_000)
  expect(attention()).toMatchObject([{}, { what: expect.stringContaining('the variable OPS_SECRET is not set') }])
  expect(heard).toEqual([])
  await end()
})

test('an escalation is told as one, and the bus hears of both', async () => {
  const ask = (_event: unknown, ctx: AgentContext) =>
    ctx.approve({ action: 'pay', details: { iban: 'x' }, timeout: '1m', onTimeout: 'escalate' })
  const topics: unknown[] = []
  const watcher: WorldAgent = {
    run: (event) => void topics.push(event.payload),
    triggers: [{ type: 'event', eventType: 'vigil.request.*' }],
  }
  await live({ payer: { ...payer, run: ask }, watcher }, [ring0.kill.after('request.expired', nth(1))], receiver)
  post('a')
  await w.run(200_000)
  // Whoever dies before it is on record that a notice was taken sends it again, under its id.
  const types = new Map(heard.map(({ id, body }) => [id, body.type]))
  expect([...types.values()]).toEqual(['request.opened', 'request.escalated'])
  expect(topics).toMatchObject([
    { event_type: 'vigil.request.opened', source: 'vigil', data: { process: 'payer', kind: 'approval' } },
    { event_type: 'vigil.request.escalated' },
  ])
  expect(JSON.stringify(topics)).not.toContain('iban')
  await end()
})

test.each(['slack', 'discord', 'teams'] as const)(
  '%s gets a text that names who asks, and an address may be a secret',
  async (format) => {
    await live({ payer: { ...payer, approval: { notify: { webhookUrl: '${HOOK_URL}', format } } } }, [], {
      answers: ({ url: to, body }) => {
        heard.push({ id: to, body: JSON.parse(new TextDecoder().decode(body)) })
        return { status: 200 }
      },
    })
    post('a')
    await w.run(5_000)
    expect(heard).toHaveLength(1)
    expect([heard[0]?.id, JSON.stringify(heard[0]?.body)]).toEqual([url, expect.stringContaining('payer asks: pay')])
    expect(JSON.stringify(w.told)).not.toContain(url)
    await w.stop()
  },
)

test('the receiver of another hand verifies what a real socket brings', async () => {
  const bodies: unknown[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      bodies.push(new Webhook(secret).verify(text, request.headers as Record<string, string>))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const notice = {
    id: 'notice_1',
    at: '2026-01-01T00:00:00.000Z',
    eventType: 'request.opened',
    text: 't',
    data: { n: 1 },
  }
  const key = Buffer.alloc(24, 7)
  const { headers, body } = noticeMessage(notice, 'standard', { key, nowMs: Date.now() })
  const reply = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })
  expect([reply.status, bodies]).toEqual([200, [{ type: 'request.opened', timestamp: notice.at, data: { n: 1 } }]])
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
