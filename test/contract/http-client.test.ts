import type { HttpRequest } from '@vigil/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { large, real, type Subject, simulated } from './http-client-subjects.ts'

const request = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 10_000,
  maxBodyBytes: 100_000,
  allow: URL.canParse(url) ? [new URL(url).host] : [],
  repeatable: false,
  ...rest,
})
const unheard = new AbortController().signal
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe.each(Object.entries({ real, simulated }))('%s http client', (_name, open) => {
  let subject: Subject
  const start = async (): Promise<Subject> => {
    subject = await open()
    return subject
  }
  afterEach(() => subject.close())

  test('sends method, headers and body, and gives back status, headers and body', async () => {
    const { client, origin } = await start()
    const reply = await client.send(
      request(`${origin}/echo`, {
        method: 'POST',
        headers: { 'x-test': 'yes' },
        body: new TextEncoder().encode('hello'),
      }),
      unheard,
    )
    expect(reply).toMatchObject({ status: 201, statusText: 'Made', headers: { 'x-echo': 'yes' } })
    expect(textOf(reply.body)).toBe('POST hello')
  })

  test('follows no redirect', async () => {
    const { client, origin } = await start()
    const reply = await client.send(request(`${origin}/moved`), unheard)
    expect([reply.status, reply.headers.location]).toEqual([302, '/echo'])
  })

  test('joins repeated headers and keeps no cookies', async () => {
    const { client, origin } = await start()
    expect((await client.send(request(`${origin}/twice`), unheard)).headers).toMatchObject({
      'set-cookie': 'a=1, b=2',
      'x-many': 'c, d',
    })
    expect(textOf((await client.send(request(`${origin}/cookies`), unheard)).body)).toBe('undefined')
  })

  test('sends a small Buffer, whose memory is a pool that others use', async () => {
    const { client, origin } = await start()
    const pooled = Buffer.from('aGVsbG8=', 'base64')
    for (const _ of ['first', 'again']) {
      const reply = await client.send(request(`${origin}/echo`, { method: 'PUT', body: pooled }), unheard)
      expect(textOf(reply.body)).toBe('PUT hello')
    }
  })

  test('takes a body up to its cap and not a byte more', async () => {
    const { client, origin } = await start()
    expect((await client.send(request(`${origin}/large`, { maxBodyBytes: large.length }), unheard)).body).toHaveLength(
      large.length,
    )
    await expect(
      client.send(request(`${origin}/large`, { maxBodyBytes: large.length - 1 }), unheard),
    ).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test.each(['/silent', '/stalls'])('the timeout covers headers and body: %s', async (path) => {
    const { client, origin, advance } = await start()
    const outcome = expect(client.send(request(`${origin}${path}`, { timeoutMs: 50 }), unheard)).rejects.toMatchObject({
      code: 'FETCH_TIMEOUT',
      message: expect.stringContaining('50 ms'),
    })
    await advance(50)
    await outcome
  })

  test('a caller who gives up gets FETCH_FAILED, before and under way', async () => {
    const { client, origin, silenced } = await start()
    await expect(client.send(request(`${origin}/echo`), AbortSignal.abort())).rejects.toMatchObject({
      code: 'FETCH_FAILED',
    })
    const caller = new AbortController()
    const outcome = expect(client.send(request(`${origin}/silent`), caller.signal)).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('gave up'),
    })
    await silenced
    caller.abort()
    await outcome
  })

  test('an unreachable host and a broken connection are FETCH_FAILED, without the query in the message', async () => {
    const { client, origin, nowhere } = await start()
    for (const url of [`${nowhere}/?key=hidden`, `${origin}/broken`]) {
      await expect(client.send(request(url), unheard)).rejects.toMatchObject({
        code: 'FETCH_FAILED',
        message: expect.not.stringContaining('hidden'),
      })
    }
  })

  test('close ends what is under way and refuses what comes later', async () => {
    const { client, origin, silenced } = await start()
    const outcome = expect(client.send(request(`${origin}/silent`), unheard)).rejects.toMatchObject({
      code: 'FETCH_FAILED',
    })
    await silenced
    await client.close()
    await outcome
    await expect(client.send(request(`${origin}/echo`), unheard)).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('closed'),
    })
    await client.close()
  })
})

describe('undici', () => {
  let subject: Subject
  beforeEach(async () => {
    subject = await real()
  })
  afterEach(() => subject.close())

  test('counts a compressed body as what it becomes', async () => {
    const { client, origin } = subject
    await expect(client.send(request(`${origin}/bomb`), unheard)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test('an invalid request says why', async () => {
    const { client, origin } = subject
    await expect(client.send(request('not a url'), unheard)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('not a url'),
    })
    await expect(
      client.send(request(`${origin}/echo`, { headers: { 'bad name': '1' } }), unheard),
    ).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  })
})
