import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WebhookVerification } from '../../manifests/manifest.ts'
import { schemes, verify } from './schemes.ts'
import type { Signed } from './signature.ts'

const nowMs = 1_700_000_000_000
const now = nowMs / 1_000
const body = Buffer.from('{"a":1}')
const secret = `whsec_${Buffer.from('a secret of 24 bytes or so').toString('base64')}`

type Name = WebhookVerification['scheme']
const generic = { scheme: 'generic', secrets: [], header: 'x-sig', prefix: 'sha256=', encoding: 'hex' } as const
const of = (scheme: Name): WebhookVerification => (scheme === 'generic' ? generic : { scheme, secrets: [] })
const keyOf = (scheme: Name, text = secret): Uint8Array => schemes[scheme].key(text) as Uint8Array
const code = (scheme: Name, signed: string, encoding: 'hex' | 'base64' = 'hex', text = secret) =>
  createHmac('sha256', keyOf(scheme, text)).update(signed).digest(encoding)

const headersOf: Readonly<Record<Name, (time?: number, text?: string) => Record<string, string>>> = {
  standard: (time = now, text = secret) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${time}`,
    'webhook-signature': `v1,${code('standard', `msg_1.${time}.${body}`, 'base64', text)}`,
  }),
  github: (_, text = secret) => ({ 'x-hub-signature-256': `sha256=${code('github', `${body}`, 'hex', text)}` }),
  stripe: (time = now, text = secret) => ({
    'stripe-signature': `t=${time},v0=00,v1=${code('stripe', `${time}.${body}`, 'hex', text)}`,
  }),
  slack: (time = now, text = secret) => ({
    'x-slack-request-timestamp': `${time}`,
    'x-slack-signature': `v0=${code('slack', `v0:${time}:${body}`, 'hex', text)}`,
  }),
  generic: (_, text = secret) => ({ 'x-sig': `sha256=${code('generic', `${body}`, 'hex', text)}` }),
}
const names = Object.keys(headersOf) as Name[]
const judge = (scheme: Name, headers: Signed['headers'], more: Partial<Signed> = {}) =>
  verify([keyOf(scheme)], { headers, body, nowMs, ...more }, of(scheme))

describe.each(names)('%s', (scheme) => {
  const good = headersOf[scheme]()

  it('takes what is signed, and nothing else', () => {
    expect(judge(scheme, good)).toBe('good')
    expect(judge(scheme, good, { body: Buffer.from('{"a":2}') })).toBe('wrong')
    expect(judge(scheme, good, { body: Buffer.from('{"a":1} ') })).toBe('wrong')
    expect(judge(scheme, {})).toBe('unsigned')
    for (const name of Object.keys(good)) expect(judge(scheme, { ...good, [name]: '' }), name).toBe('unsigned')
    const other = `whsec_${Buffer.from('another secret of 24 bytes').toString('base64')}`
    expect(judge(scheme, headersOf[scheme](now, other))).toBe('wrong')
  })

  it('takes both secrets while one is changed for the other', () => {
    const other = `whsec_${Buffer.from('another secret of 24 bytes').toString('base64')}`
    const signed = { headers: headersOf[scheme](now, other), body, nowMs }
    expect(verify([keyOf(scheme), keyOf(scheme, other)], signed, of(scheme))).toBe('good')
    expect(verify([keyOf(scheme, other), keyOf(scheme)], signed, of(scheme))).toBe('good')
    expect(verify([], signed, of(scheme))).toBe('wrong')
  })

  it('is not moved by headers that are cut, doubled or in other letters', () => {
    for (const name of Object.keys(good)) {
      const value = good[name] as string
      for (const bent of [
        value.slice(0, -1),
        `${value}0`,
        `${value}, ${value}`,
        `${value}é`,
        'ÿ'.repeat(64),
        `\u0000${value}`,
      ])
        expect(['wrong', 'stale', 'unsigned'], `${name}: ${bent}`).toContain(judge(scheme, { ...good, [name]: bent }))
    }
  })

  it('survives any headers', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...Object.values(good)))
    const headers = fc.record(Object.fromEntries(Object.keys(good).map((name) => [name, text])), { requiredKeys: [] })
    fc.assert(
      fc.property(headers, (bent) => {
        const found = judge(scheme, bent)
        expect(found === 'good').toBe(Object.entries(good).every(([name, value]) => bent[name] === value))
      }),
      { numRuns: 300 },
    )
  })
})

describe.each(['standard', 'stripe', 'slack'] as const)('%s signs its time', (scheme) => {
  it('takes five minutes to both sides', () => {
    for (const off of [-300, -299, 0, 299, 300])
      expect(judge(scheme, headersOf[scheme](now + off)), `${off}`).toBe('good')
    for (const off of [-301, 301, -86_400, 86_400])
      expect(judge(scheme, headersOf[scheme](now + off)), `${off}`).toBe('stale')
    for (const time of [Number.NaN, -1, 1.5, 1e21])
      expect(judge(scheme, headersOf[scheme](time)), `${time}`).toBe('stale')
  })
})

describe('several signatures in one header', () => {
  it('one of them is enough', () => {
    const { 'webhook-signature': one, ...standard } = headersOf.standard() as Record<string, string>
    const other = `v1,${Buffer.alloc(32).toString('base64')}`
    expect(judge('standard', { ...standard, 'webhook-signature': `v1a,x ${other} ${one}` })).toBe('good')
    expect(judge('standard', { ...standard, 'webhook-signature': other })).toBe('wrong')
    const right = code('stripe', `${now}.${body}`)
    const wrong = '0'.repeat(64)
    expect(judge('stripe', { 'stripe-signature': `t=${now},v1=${wrong},v1=${right}` })).toBe('good')
    expect(judge('stripe', { 'stripe-signature': `t=${now},v1=${wrong},v0=${right}` })).toBe('wrong')
    expect(judge('stripe', { 'stripe-signature': `t=1,t=${now},v1=${right}` })).toBe('wrong')
  })
})

it('has keys of the form that the scheme wants, or none', () => {
  expect(schemes.standard.key('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toHaveLength(24)
  expect(schemes.standard.key('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toHaveLength(24)
  expect(schemes.standard.key('not base64!')).toBeUndefined()
  expect(schemes.standard.key('whsec_')).toBeUndefined()
  expect(schemes.stripe.key('whsec_abc')).toHaveLength(9)
})

it('reads base64 and other prefixes where the manifest says so', () => {
  const own = { ...generic, prefix: '', encoding: 'base64' } as const
  const headers = { 'x-sig': code('generic', `${body}`, 'base64') }
  expect(verify([keyOf('generic')], { headers, body, nowMs }, own)).toBe('good')
  expect(verify([keyOf('generic')], { headers, body, nowMs }, generic)).toBe('wrong')
})
