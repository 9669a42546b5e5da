import type { WebhookVerification } from '../../manifests/manifest.ts'
import { codeOf, isCode, isFresh, type Signed, type Verdict, verdict } from './signature.ts'

/** How senders sign, and how they call one delivery, so that a repetition is known as one. */
export interface Scheme {
  /** The key that a secret stands for; undefined: it has not the form that the scheme wants. */
  key(secret: string): Uint8Array | undefined
  verify(key: Uint8Array, signed: Signed, verification: WebhookVerification): Verdict
  deliveryId(headers: Signed['headers'], payload: unknown): string | undefined
}

const text = (secret: string): Uint8Array => Buffer.from(secret, 'utf8')

/** Standard Webhooks 1.0: `v1,` and base64, parted by spaces, over id, time and body. */
const standard: Scheme = {
  key(secret) {
    const base64 = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret
    return /^[A-Za-z0-9+/]{16,}={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined
  },
  verify(key, { headers, body, nowMs }) {
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers
    if (!id || !time || !signatures) return 'unsigned'
    const code = codeOf(key, `${id}.${time}.`, body)
    // Parted by a comma and a space are headers that came twice, and not two signatures.
    const given = signatures.includes(', ') ? [] : signatures.split(' ').filter((each) => each.startsWith('v1,'))
    return verdict({ signed: given.some((each) => isCode(code, each.slice(3), 'base64')), fresh: isFresh(time, nowMs) })
  },
  deliveryId: (headers) => headers['webhook-id'],
}

const github: Scheme = {
  key: text,
  verify(key, { headers, body }) {
    const signature = headers['x-hub-signature-256']
    if (!signature) return 'unsigned'
    const given = signature.startsWith('sha256=') ? signature.slice('sha256='.length) : ''
    return isCode(codeOf(key, body), given, 'hex') ? 'good' : 'wrong'
  },
  deliveryId: (headers) => headers['x-github-delivery'],
}

/** `t=1,v1=a,v1=b`: one time, and a signature for each secret that is live. */
const stripe: Scheme = {
  key: text,
  verify(key, { headers, body, nowMs }) {
    const signature = headers['stripe-signature']
    if (!signature) return 'unsigned'
    const parts = signature.split(',').map((part) => part.trim())
    const valuesOf = (name: string) =>
      parts.flatMap((part) => (part.startsWith(`${name}=`) ? [part.slice(name.length + 1)] : []))
    const [time, second] = valuesOf('t')
    if (time === undefined || second !== undefined) return 'wrong'
    const code = codeOf(key, `${time}.`, body)
    return verdict({ signed: valuesOf('v1').some((each) => isCode(code, each, 'hex')), fresh: isFresh(time, nowMs) })
  },
  deliveryId: (_, payload) => textIn(payload, 'id'),
}

const slack: Scheme = {
  key: text,
  verify(key, { headers, body, nowMs }) {
    const { 'x-slack-request-timestamp': time, 'x-slack-signature': signature } = headers
    if (!time || !signature) return 'unsigned'
    const given = signature.startsWith('v0=') ? signature.slice('v0='.length) : ''
    return verdict({ signed: isCode(codeOf(key, `v0:${time}:`, body), given, 'hex'), fresh: isFresh(time, nowMs) })
  },
  deliveryId: (_, payload) => textIn(payload, 'event_id'),
}

/** The code of the body in a header, as most who invent a scheme of their own do it. */
const generic: Scheme = {
  key: text,
  verify(key, { headers, body }, { header = '', prefix = '', encoding = 'hex' }) {
    const signature = headers[header]
    if (!signature) return 'unsigned'
    if (!signature.startsWith(prefix)) return 'wrong'
    return isCode(codeOf(key, body), signature.slice(prefix.length), encoding) ? 'good' : 'wrong'
  },
  deliveryId: () => undefined,
}

export const schemes: Readonly<Record<WebhookVerification['scheme'], Scheme>> = {
  standard,
  github,
  stripe,
  slack,
  generic,
}

/** Good if any of the keys has signed: while a secret is changed two of them are live. */
export function verify(keys: readonly Uint8Array[], signed: Signed, verification: WebhookVerification): Verdict {
  const verdicts = keys.map((key) => schemes[verification.scheme].verify(key, signed, verification))
  return verdicts.find((each) => each === 'good') ?? verdicts.find((each) => each === 'stale') ?? verdicts[0] ?? 'wrong'
}

function textIn(payload: unknown, field: string): string | undefined {
  const value = (payload as Readonly<Record<string, unknown>> | null)?.[field]
  return typeof value === 'string' ? value : undefined
}
