import { expect, it } from 'vitest'
import type { HookRequest } from '../../surface.ts'
import { refusalOf, type WebhookTrigger } from './access.ts'

const from = (
  remote: string | undefined,
  headers: Record<string, string> = {},
  token: HookRequest['token'] = 'wrong',
) => ({
  method: 'POST',
  path: '/a',
  query: new URLSearchParams(),
  headers: { host: '127.0.0.1:9100', ...headers },
  remote,
  token,
  body: () => Promise.reject(new Error('the body was read')),
})
const refusal = (fields: Partial<WebhookTrigger>, request: HookRequest) =>
  refusalOf({ type: 'webhook', webhookPath: '/a', ...fields }, request)?.code

const verified = { verification: { scheme: 'github', secrets: [] } } as const
const world = '198.51.100.1'

it('asks those who are verified for nothing more', () => {
  expect(refusal(verified, from(world, { host: 'tunnel.example', origin: 'https://x.example' }))).toBeUndefined()
  expect(refusal(verified, from(undefined))).toBeUndefined()
  expect(refusal({ auth: 'none' }, from(world))).toBeUndefined()
})

it('lets in the sources that are named, also unverified, and nobody else, also verified', () => {
  const allowedSources = ['10.0.0.0/8']
  expect(refusal({ allowedSources }, from('10.1.1.1'))).toBeUndefined()
  for (const fields of [{}, verified, { auth: 'none' }, { auth: 'bearer' }] as const)
    for (const remote of [world, '127.0.0.1', undefined])
      expect(refusal({ ...fields, allowedSources }, from(remote, {}, 'right'))).toBe('SOURCE_DENIED')
  expect(refusal({ auth: 'bearer', allowedSources }, from('10.1.1.1'))).toBe('UNAUTHORIZED')
  expect(refusal({ auth: 'bearer', allowedSources }, from('10.1.1.1', {}, 'right'))).toBeUndefined()
})

it('asks for the token where the manifest does', () => {
  expect(refusal({ auth: 'bearer' }, from('127.0.0.1'))).toBe('UNAUTHORIZED')
  expect(refusal({ auth: 'bearer' }, from(world, {}, 'right'))).toBeUndefined()
  expect(refusal({ auth: 'bearer' }, from('127.0.0.1', {}, 'unset'))).toBeUndefined()
  expect(refusal({ auth: 'bearer' }, from(world, {}, 'unset'))).toBe('SOURCE_DENIED')
})

it('answers programs of this machine and nobody else where nothing is said', () => {
  for (const remote of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(refusal({}, from(remote))).toBeUndefined()
  for (const host of ['localhost:9100', '[::1]:9100']) expect(refusal({}, from('::1', { host }))).toBeUndefined()
  for (const remote of [world, '::2', undefined]) expect(refusal({}, from(remote))).toBe('SOURCE_DENIED')
  for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'origin', 'sec-fetch-site'])
    expect(refusal({}, from('127.0.0.1', { [header]: '' })), header).toBe('SOURCE_DENIED')
  expect(refusal({}, from('127.0.0.1', { host: 'rebound.example' }))).toBe('SOURCE_DENIED')
})
