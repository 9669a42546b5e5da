import { createHmac } from 'node:crypto'
import examples from '@octokit/webhooks-examples'
import { sign } from '@octokit/webhooks-methods'
import { type TriggerSpec, webhook } from '@vigil/supervisor'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { type HookFleet, hookFleet, type Sent } from '../support/hook-fleet.ts'

/** What senders themselves use to sign, over a real socket. */
const secret = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`
const other = `whsec_${Buffer.from('another one, just as long').toString('base64')}`
const now = (): number => Math.floor(Date.now() / 1_000)
const json = { 'content-type': 'application/json' }

interface Sender {
  readonly trigger: TriggerSpec
  /** Signs a body as delivery `id`, `late` seconds ago. */
  send(
    id: string,
    more?: { late?: number; text?: string; with?: string },
  ): (Sent & { body: string }) | Promise<Sent & { body: string }>
  readonly signature: string
  /** It signs no time. */
  readonly timeless?: true
}

const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('hex')
const named = (id: string, text: string): string => JSON.stringify({ id, event_id: id, text })

const senders: Record<string, Sender> = {
  standard: {
    trigger: webhook('/standard', { secret: '${SECRET}' }),
    signature: 'webhook-signature',
    send(id, { late = 0, text = 'hi', with: key = secret } = {}) {
      const body = named(id, text)
      const at = new Date((now() - late) * 1_000)
      const signature = new Webhook(key).sign(id, at, body)
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': `${now() - late}`,
        'webhook-signature': signature,
        ...json,
      }
      return { body, headers }
    },
  },
  github: {
    trigger: webhook('/github', { scheme: 'github', secret: '${SECRET}' }),
    signature: 'x-hub-signature-256',
    timeless: true,
    async send(id, { text = 'hi', with: key = secret } = {}) {
      const body = named(id, text)
      return { body, headers: { 'x-github-delivery': id, 'x-hub-signature-256': await sign(key, body), ...json } }
    },
  },
  stripe: {
    trigger: webhook('/stripe', { scheme: 'stripe', secret: '${SECRET}' }),
    signature: 'stripe-signature',
    send(id, { late = 0, text = 'hi', with: key = secret } = {}) {
      const payload = named(id, text)
      const header = new Stripe('sk_test_x').webhooks.generateTestHeaderString({
        payload,
        secret: key,
        timestamp: now() - late,
      })
      return { body: payload, headers: { 'stripe-signature': header, ...json } }
    },
  },
  slack: {
    trigger: webhook('/slack', { scheme: 'slack', secret: '${SECRET}' }),
    signature: 'x-slack-signature',
    send(id, { late = 0, text = 'hi', with: key = secret } = {}) {
      const body = named(id, text)
      const time = `${now() - late}`
      const signature = `v0=${hmac(key, `v0:${time}:${body}`)}`
      return { body, headers: { 'x-slack-request-timestamp': time, 'x-slack-signature': signature, ...json } }
    },
  },
  generic: {
    trigger: webhook('/generic', { scheme: 'generic', secret: '${SECRET}', signatureHeader: 'X-Sig' }),
    signature: 'x-sig',
    timeless: true,
    send(id, { text = 'hi', with: key = secret } = {}) {
      const body = named(id, text)
      return { body, headers: { 'x-sig': `sha256=${hmac(key, body)}`, 'idempotency-key': id, ...json } }
    },
  },
}

const triggers = Object.values(senders).map(({ trigger }) => trigger)
const listening = (): Promise<HookFleet> => hookFleet({ inbox: triggers }, { env: { SECRET: secret } })
const unverified = { status: 401, body: { error: { code: 'WEBHOOK_UNVERIFIED' } } }

describe.each(Object.entries(senders))('%s', (name, sender) => {
  const path = `/${name}`

  test('is accepted once, on record without its signature, and refused with another body', async () => {
    await using fleet = await listening()
    const first = await fleet.post(path, await sender.send('d1'))
    expect(first).toMatchObject({ status: 202, body: { accepted: true, duplicate: false } })
    const record = fleet.records.find((each) => each.type === 'trigger.accepted')
    expect(record?.data).toMatchObject({
      key: 'd1',
      event: {
        event_id: first.body['event_id'],
        type: 'webhook',
        payload: { id: 'd1', text: 'hi' },
        metadata: { method: 'POST', path, query: {}, remote: '127.0.0.1', signature_verified: true, delivery_id: 'd1' },
      },
    })
    expect(JSON.stringify(record)).not.toMatch(/signature"|x-sig|sha256=|v1[,=]|v0=/)
    const again = await fleet.post(path, await sender.send('d1'))
    expect(again).toMatchObject({ status: 202, body: { event_id: first.body['event_id'], duplicate: true } })
    const other = await fleet.post(path, await sender.send('d1', { text: 'other' }))
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'KEY_CONFLICT' } } })
  })

  test('that is tampered with, unsigned, signed by another or too old is refused', async () => {
    await using fleet = await listening()
    const { body, headers } = await sender.send('d1')
    const { [sender.signature]: signature = '', ...rest } = headers ?? {}
    expect(await fleet.post(path, { body: body.replace('hi', 'ho'), headers: { ...headers } })).toMatchObject(
      unverified,
    )
    expect(await fleet.post(path, { body, headers: rest })).toMatchObject(unverified)
    expect(await fleet.post(path, await sender.send('d2', { with: other }))).toMatchObject(unverified)
    for (const bent of ['', 'é'.repeat(64), signature.slice(0, -1), `${signature}, ${signature}`, `x${signature}`])
      expect(await fleet.post(path, { body, headers: { ...rest, [sender.signature]: bent } }), bent).toMatchObject(
        unverified,
      )
    for (const late of sender.timeless ? [] : [301, 86_400, -400])
      expect(await fleet.post(path, await sender.send('d3', { late })), `${late} s`).toMatchObject(unverified)
    expect((await fleet.post(path, await sender.send('d4', { late: 290 }))).status).toBe(202)
    expect(fleet.supervisor.get('inbox').status().counters.accepted).toBe(1)
  })
})

test('all payloads of GitHub', async () => {
  await using fleet = await listening()
  // Its types speak of a module where there is a list.
  const groups = examples as unknown as readonly { readonly name: string; readonly examples: readonly unknown[] }[]
  const payloads = groups.flatMap(({ name, examples: all }) => all.map((payload) => ({ name, payload })))
  expect(payloads.length).toBeGreaterThan(300)
  for (const [index, { name, payload }] of payloads.entries()) {
    const body = JSON.stringify(payload, undefined, index % 3)
    const headers = {
      ...json,
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': name,
      'x-github-delivery': `delivery-${index}`,
      'x-hub-signature-256': await sign(secret, body),
    }
    expect(await fleet.post('/github', { body, headers }), name).toMatchObject({
      status: 202,
      body: { duplicate: false },
    })
    const record = fleet.records.findLast((each) => each.type === 'trigger.accepted')
    expect(record?.data).toMatchObject({ event: { payload, metadata: { headers: { 'x-github-event': name } } } })
  }
})

test("Slack's question before it sends events is answered, and is no event", async () => {
  await using fleet = await listening()
  const body = JSON.stringify({ type: 'url_verification', challenge: 'c-1', token: 't' })
  const time = `${now()}`
  const signature = `v0=${hmac(secret, `v0:${time}:${body}`)}`
  const headers = { ...json, 'x-slack-request-timestamp': time, 'x-slack-signature': signature }
  expect(await fleet.post('/slack', { body, headers })).toMatchObject({ status: 200, body: { challenge: 'c-1' } })
  expect(await fleet.post('/slack', { body: body.replace('c-1', 'c-2'), headers })).toMatchObject(unverified)
  expect(fleet.supervisor.get('inbox').status().counters.accepted).toBe(0)
})
