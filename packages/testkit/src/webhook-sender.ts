import { createHmac } from 'node:crypto'
import type { Trigger } from '@vigil/supervisor'

/** One delivery of a webhook, as its sender signs it. */
export interface WebhookDelivery {
  readonly verification: Extract<Trigger, { type: 'webhook' }>['verification']
  /** The secret itself, as text. */
  readonly secret: string
  /** Names it when it comes again. */
  readonly id: string
  readonly body: string
  readonly nowMs: number
}

/** The headers that senders of the scheme put beside a body. */
export function signedHeaders({ verification, secret, id, body, nowMs }: WebhookDelivery): Record<string, string> {
  const time = `${Math.floor(nowMs / 1_000)}`
  const code = (text: string, encoding: 'hex' | 'base64' = 'hex', key: string | Uint8Array = secret): string =>
    createHmac('sha256', key).update(text).digest(encoding)
  switch (verification?.scheme) {
    case undefined:
      return { 'idempotency-key': id }
    case 'standard': {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
      const signature = `v1,${code(`${id}.${time}.${body}`, 'base64', key)}`
      return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature }
    }
    case 'github':
      return { 'x-github-delivery': id, 'x-hub-signature-256': `sha256=${code(body)}` }
    case 'stripe':
      return { 'idempotency-key': id, 'stripe-signature': `t=${time},v1=${code(`${time}.${body}`)}` }
    case 'slack': {
      const signature = `v0=${code(`v0:${time}:${body}`)}`
      return { 'idempotency-key': id, 'x-slack-request-timestamp': time, 'x-slack-signature': signature }
    }
    case 'generic': {
      const { header = '', prefix = '', encoding = 'hex' } = verification
      return { 'idempotency-key': id, [header]: `${prefix}${code(body, encoding)}` }
    }
  }
}
