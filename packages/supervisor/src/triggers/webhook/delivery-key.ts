import { createHash } from 'node:crypto'
import type { WebhookVerification } from '../../manifests/manifest.ts'
import { schemes } from './schemes.ts'
import type { Signed } from './signature.ts'

/** 100,000 keys are kept for a trigger, so none may be long. */
const longestKey = 200

/**
 * The name that a sender gives to one delivery, also when it repeats it: that of its scheme, else an `Idempotency-Key`. A hook
 * that verifies nothing takes the word of any header that is in use.
 */
export function deliveryKey(
  headers: Signed['headers'],
  payload: unknown,
  verification: WebhookVerification | undefined,
): string | undefined {
  const own =
    verification === undefined
      ? headers['webhook-id'] || headers['x-github-delivery']
      : schemes[verification.scheme].deliveryId(headers, payload)
  const key = own || headers['idempotency-key'] || undefined
  return key !== undefined && key.length > longestKey ? createHash('sha256').update(key).digest('hex') : key
}

/** What has to be the same when a delivery comes again. Stripe counts in the event itself for how many hooks it still waits. */
export function comparedBody(payload: unknown, verification: WebhookVerification | undefined): unknown {
  if (verification?.scheme !== 'stripe' || typeof payload !== 'object' || payload === null) return payload
  return { ...payload, pending_webhooks: undefined }
}
