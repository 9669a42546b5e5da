import { once } from 'node:events'
import { connect } from 'node:net'
import { limits, VigilError } from '@vigil/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FakeRuntime, fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler, createHooksHandler, type Handler } from './handler.ts'
import { serve, serveHooks } from './serve.ts'

let runtime: FakeRuntime
beforeEach(() => {
  runtime = fakeRuntime()
})

const post = (handler: Handler, path: string, init: RequestInit = {}, remote?: string) =>
  handler(new Request(`http://localhost${path}`, { method: 'POST', ...init }), { remote })

const ways = [
  ['beside the REST face', () => createHandler(runtime, { token: 'right', hosts: ['localhost'] })],
  ['alone', () => createHooksHandler(runtime, { token: 'right' })],
] as const

describe.each(ways)('%s', (_, make) => {
  it('gives the request as it came to the hooks, whatever its host and page, without the token of REST', async () => {
    const headers = {
      host: 'tunnel.example',
      origin: 'https://x.example',
      'X-Github-Event': 'ping',
      'content-type': 'text/plain',
    }
    const reply = await post(make(), '/hooks/a/b?x=1&x=2', { body: 'bytes', headers }, '198.51.100.1')
    expect([reply.status, await reply.json()]).toEqual([202, { event_id: 'h1', accepted: true, duplicate: false }])
    const [[, request, body]] = runtime.calls as [[string, Record<string, unknown>, string]]
    expect(request).toMatchObject({ method: 'POST', path: '/a/b', remote: '198.51.100.1', token: 'wrong' })
    expect(request.headers).toMatchObject({ host: 'tunnel.example', 'x-github-event': 'ping' })
    expect([`${request.query}`, body]).toEqual(['x=1&x=2', 'bytes'])
  })

  it('says whether the token came', async () => {
    for (const authorization of ['Bearer right', 'bearer right', 'Bearer wrong', 'right', 'Bearer'])
      await post(make(), '/hooks/a', { headers: { authorization } })
    expect(runtime.calls.map(([, request]) => (request as { token: string }).token)).toEqual([
      'right',
      'right',
      'wrong',
      'wrong',
      'wrong',
    ])
  })

  it('has other replies: several, none, a challenge, an error, and when to come again', async () => {
    const replies = [
      { accepted: true, eventId: 'a', duplicate: true, eventIds: ['a', 'b'], refused: ['MAILBOX_FULL'] } as const,
      { accepted: false, reason: 'filter' } as const,
      { challenge: 'c' },
    ]
    const answer = async () => {
      const reply = await post(make(), '/hooks/a')
      return [reply.status, await reply.json(), reply.headers.get('retry-after')]
    }
    const shown = []
    for (const reply of replies) {
      runtime.deliverHook = async () => reply
      shown.push(await answer())
    }
    expect(shown).toEqual([
      [202, { event_id: 'a', accepted: true, duplicate: true, event_ids: ['a', 'b'], refused: ['MAILBOX_FULL'] }, null],
      [202, { accepted: false, reason: 'filter' }, null],
      [200, { challenge: 'c' }, null],
    ])
    for (const [code, status, retry] of [
      ['WEBHOOK_UNVERIFIED', 401, null],
      ['MAILBOX_FULL', 503, '10'],
      ['DISK_FULL', 507, '10'],
    ] as const) {
      runtime.deliverHook = () => Promise.reject(new VigilError(code, 'x'))
      expect(await answer()).toMatchObject([status, { error: { code } }, retry])
    }
  })

  it('takes POST alone, at most 1 MB of it, and reads nothing that nobody asks for', async () => {
    const get = await make()(new Request('http://localhost/hooks/a'), {})
    expect([get.status, await get.json()]).toMatchObject([
      404,
      { error: { code: 'ROUTE_NOT_FOUND', details: { allow: ['POST'] } } },
    ])
    const large = await post(make(), '/hooks/a', { body: 'x'.repeat(limits.payloadBytes + 1) })
    expect([large.status, await large.json()]).toMatchObject([413, { error: { code: 'TOO_LARGE' } }])
    runtime.deliverHook = () => Promise.reject(new VigilError('HOOK_NOT_FOUND', 'x'))
    const request = new Request('http://localhost/hooks/a', { method: 'POST', body: 'x' })
    expect([(await make()(request)).status, request.bodyUsed]).toEqual([404, false])
  })
})

it('compares no token where there is none, and serves nothing but hooks when alone', async () => {
  await post(createHooksHandler(runtime, { token: undefined }), '/hooks/a', { headers: { authorization: 'Bearer x' } })
  expect(runtime.calls[0]?.[1]).toMatchObject({ token: 'unset' })
  for (const path of ['/api/v1/processes', '/', '/hooks', '/api/v1/health'])
    expect((await createHooksHandler(runtime, { token: 'right' })(new Request(`http://x${path}`))).status, path).toBe(
      404,
    )
})

describe('on a socket', () => {
  it.each([
    ['serve', serve],
    ['serveHooks', serveHooks],
  ] as const)('%s knows who is at the other end', async (_, listen) => {
    const listener = await listen(runtime, { port: 0, token: 'right' })
    const reply = await fetch(`${listener.url}/hooks/a`, { method: 'POST', body: '{}' })
    expect([reply.status, runtime.calls[0]?.[1]]).toMatchObject([202, { remote: '127.0.0.1' }])
    await listener.close()
  })

  it('says nothing to one who leaves in the middle of the body, and goes on', async () => {
    const errors: unknown[] = []
    const listener = await serveHooks(runtime, { port: 0, token: 'right', onError: (error) => errors.push(error) })
    const asked = Promise.withResolvers<void>()
    const deliver = runtime.deliverHook
    runtime.deliverHook = (request) => {
      asked.resolve()
      return deliver(request)
    }
    const socket = connect(listener.port, '127.0.0.1')
    socket.write('POST /hooks/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf')
    await asked.promise
    socket.destroy()
    await once(socket, 'close')
    expect((await fetch(`${listener.url}/hooks/a`, { method: 'POST' })).status).toBe(202)
    await listener.close()
    expect(errors).toEqual([])
  })
})
