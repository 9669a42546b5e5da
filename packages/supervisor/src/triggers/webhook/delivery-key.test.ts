import { expect, it } from 'vitest'
import type { WebhookVerification } from '../../manifests/manifest.ts'
import { comparedBody, deliveryKey } from './delivery-key.ts'

const of = (scheme: WebhookVerification['scheme']): WebhookVerification => ({ scheme, secrets: [] })
const all = { 'webhook-id': 'w', 'x-github-delivery': 'g', 'idempotency-key': 'i' }
const payload = { id: 'evt_1', event_id: 'Ev1' }

it('takes the name that the scheme gives a delivery, else an idempotency key', () => {
  expect(deliveryKey(all, payload, of('standard'))).toBe('w')
  expect(deliveryKey(all, payload, of('github'))).toBe('g')
  expect(deliveryKey(all, payload, of('stripe'))).toBe('evt_1')
  expect(deliveryKey(all, payload, of('slack'))).toBe('Ev1')
  expect(deliveryKey(all, payload, of('generic'))).toBe('i')
  expect(deliveryKey(all, payload, undefined)).toBe('w')
  for (const strange of [null, 5, 'x', [], { id: 7, event_id: {} }])
    expect(deliveryKey({ 'idempotency-key': 'i' }, strange, of('stripe'))).toBe('i')
  expect(deliveryKey({ 'x-github-delivery': '' }, payload, of('github'))).toBeUndefined()
})

it('keeps a long key by its hash', () => {
  const long = deliveryKey({ 'idempotency-key': 'k'.repeat(16_000) }, payload, of('generic'))
  expect(long).toMatch(/^[0-9a-f]{64}$/)
  expect(deliveryKey({ 'idempotency-key': 'k'.repeat(200) }, payload, of('generic'))).toHaveLength(200)
})

it('compares what Stripe sends again without what it counts', () => {
  const [first, again] = [2, 1].map((pending_webhooks) => ({ id: 'evt_1', pending_webhooks }))
  const compared = (body: unknown, scheme: WebhookVerification['scheme']) =>
    JSON.stringify(comparedBody(body, of(scheme)))
  expect(compared(first, 'stripe')).toBe(compared(again, 'stripe'))
  expect(compared(first, 'github')).not.toBe(compared(again, 'github'))
  expect(comparedBody('text', of('stripe'))).toBe('text')
})
