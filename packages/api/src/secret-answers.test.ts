import { apiBase } from '@vigil/protocol'
import { beforeEach, expect, it } from 'vitest'
import { type FakeRuntime, fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler, type Handler } from './handler.ts'

let runtime: FakeRuntime
let handler: Handler
beforeEach(() => {
  runtime = fakeRuntime()
  handler = createHandler(runtime, { token: 'right' })
})

interface Sent {
  readonly method?: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Record<string, string>
}

async function send(to: string, { headers = {}, ...init }: Sent = {}) {
  const all = { authorization: 'Bearer right', ...headers }
  const reply = await handler(new Request(`http://localhost${apiBase}${to}`, { ...init, headers: all }))
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> & { error: { code: string } } }
}
const patch = (name: string, body: object) =>
  send(`${path}/${name}`, {
    method: 'PATCH',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })

const octets = { 'content-type': 'application/octet-stream' }
const path = '/processes/watcher/secrets'

it('tells what is known of them in snake_case', async () => {
  const { body } = await send(path)
  expect(body).toMatchObject({
    secrets: [{ name: 'api', expires_at: 'later', ttl_ms: 60_000, last_use: { at: 'then' } }],
  })
  expect(JSON.stringify(Object.keys((body.secrets as object[])[0] ?? {}))).not.toMatch(/[A-Z]/)
})

it('takes bytes, and a text of one that is there; says who did it', async () => {
  expect((await send(`${path}/api?ttl=1h`, { method: 'PUT', body: 'bytes', headers: octets })).status).toBe(200)
  expect((await patch('api', { value: 'text', ttl: '1m' })).status).toBe(200)
  expect((await patch('other', { value: 'text' })).body.error.code).toBe('SECRET_NOT_FOUND')
  expect(runtime.calls).toEqual([
    ['setSecret', 'api', 'bytes', { ttl: 3_600_000, by: 'operator' }],
    ['setSecret', 'api', 'text', { ttl: 60_000, by: 'operator' }],
  ])
})

it.each([
  ['of another type', { body: 'x', headers: { 'content-type': 'text/plain' } }, '', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['of no type', { body: new Uint8Array(1) }, '', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['too long', { body: 'x'.repeat(64_001), headers: octets }, '', 413, 'TOO_LARGE'],
  ['for ever', { body: 'x', headers: octets }, '?ttl=9d', 400, 'INVALID_ARGUMENT'],
])('refuses bytes %s', async (_name, sent, query, code, error) => {
  const { status: found, body } = await send(`${path}/api${query}`, { method: 'PUT', ...(sent as Sent) })
  expect([found, body.error.code, runtime.calls]).toEqual([code, error, []])
})

it('reads bytes as they leave the socket, and leaves none there', async () => {
  const chunks = ['sec', 'ret'].map((text) => Buffer.from(text))
  const incoming = (async function* () {
    yield* chunks
  })()
  const headers = { ...octets, authorization: 'Bearer right' }
  await handler(new Request(`http://localhost${apiBase}${path}/api`, { method: 'PUT', headers }), { incoming })
  expect(runtime.calls).toEqual([['setSecret', 'api', 'secret', { by: 'operator' }]])
  expect(chunks.map((chunk) => chunk.every((byte) => byte === 0))).toEqual([true, true])
})

it('revokes one or all, and reveals', async () => {
  const revoked = { revoked: [{ name: 'api', source: 'variable', where: 'API_KEY' }] }
  expect((await send(`${path}/api`, { method: 'DELETE' })).body).toEqual(revoked)
  expect((await send(path, { method: 'DELETE' })).body).toEqual(revoked)
  const reveal = await send(`${path}/${encodeURIComponent('hook:/alert')}/reveal`, { method: 'POST' })
  expect(reveal.body).toEqual({ name: 'hook:/alert', version: 1, value: 'whsec_made' })
  expect(runtime.calls).toEqual([
    ['revokeSecrets', 'api', 'operator'],
    ['revokeSecrets', undefined, 'operator'],
    ['revealSecret', 'hook:/alert', 'operator'],
  ])
})
