import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { HttpReply, HttpRequest, ModelProvider } from '@vigil/protocol'
import { seededRandom, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, httpGateway } from '../../packages/supervisor/src/gateway/http-gateway.ts'
import { languageModel } from '../../packages/supervisor/src/models/language-model.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'

const mortal = new URL('../../packages/supervisor/fixtures/mortal-gateway.ts', import.meta.url)
const unheard = new AbortController().signal
let server: Server
let origin: string
let seen: { readonly path: string; readonly body: number; readonly response: ServerResponse }[]
let arrivals: (() => void)[]
let told: string[]
let clock: ReturnType<typeof systemClock>
let gateway: Gateway

beforeEach(async () => {
  seen = []
  arrivals = []
  told = []
  server = createServer(async (request, response) => {
    const body = (await buffer(request)).byteLength
    seen.push({ path: request.url ?? '', body, response })
    // The first of each path waits for ever; who asks again is answered.
    if (seen.filter(({ path }) => path === request.url).length > 1 || request.url === '/at-once') response.end('again')
    for (const wake of arrivals.splice(0)) wake()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  clock = systemClock()
  gateway = httpGateway({ clock, tell: (message) => told.push(message), module: mortal })
})
afterEach(async () => {
  await gateway.close()
  clock.close()
  server.closeAllConnections()
  server.close()
})

const send = (path: string, rest: Partial<HttpRequest> = {}): Promise<HttpReply> =>
  gateway.send(
    {
      method: 'GET',
      url: `${origin}${path}`,
      headers: {},
      timeoutMs: 20_000,
      maxBodyBytes: 1_000,
      allow: [new URL(origin).host],
      repeatable: true,
      ...rest,
    },
    unheard,
  )
const failure = (path: string, rest?: Partial<HttpRequest>): Promise<{ code?: string; message?: string }> =>
  send(path, rest).then(
    ({ status }) => ({ message: `answered with ${status}` }),
    (error: Error) => error,
  )
async function arrived(...paths: string[]): Promise<void> {
  while (!paths.every((each) => seen.some(({ path }) => path === each)))
    await new Promise<void>((resolve) => arrivals.push(resolve))
}

describe('when the gateway thread dies', () => {
  test.each(['/exit', '/throw'])('%s: what may be sent again is, the rest is in doubt, nothing hangs', async (end) => {
    const body = new Uint8Array(300).fill(7)
    const read = send('/read')
    const write = send('/write', { method: 'PUT', body })
    const once = failure('/once', { method: 'POST', body, repeatable: false })
    await arrived('/read', '/write', '/once')
    const killer = failure(end, { repeatable: false })
    expect(new TextDecoder().decode((await read).body)).toBe('again')
    expect((await write).status).toBe(200)
    expect(seen.filter(({ path }) => path === '/write').map((each) => each.body)).toEqual([300, 300])
    expect(await once).toMatchObject({ code: 'EFFECT_IN_DOUBT', message: expect.stringContaining('/once') })
    expect(seen.filter(({ path }) => path === '/once')).toHaveLength(1)
    expect(await killer).toMatchObject({ code: 'EFFECT_IN_DOUBT' })
    expect(told).toEqual([expect.stringContaining('4 requests under way')])
  })

  test('a call of a model is not made again: nobody knows whether it was paid for', async () => {
    const models = languageModel({ link: gateway.link, clock, random: seededRandom(1) })
    const provider: ModelProvider = {
      ...{ name: 'p', baseUrl: `${origin}/v1`, headers: {}, outputField: 'max_tokens' },
      ...{ timeoutMs: 20_000, idleMs: 20_000, retries: 3, concurrency: 1 },
    }
    const messages = [{ role: 'user' as const, text: 'hello' }]
    const made = models.generate({ provider, model: 'exit', messages, max_output_tokens: 10 }, unheard)
    await expect(made).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { sent: 1, unknown: true } })
    expect(told).toHaveLength(1)
  })

  test('a request that killed two threads is not sent to a third', async () => {
    expect(await failure('/exit')).toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('died twice'),
    })
    expect((await send('/at-once')).status).toBe(200)
    expect(told).toHaveLength(2)
  })

  test('a request that was not sent yet waits for the next thread, also one that may not be repeated', async () => {
    const first = failure('/exit', { repeatable: false })
    expect(await first).toMatchObject({ code: 'EFFECT_IN_DOUBT' })
    const second = failure('/exit', { repeatable: false })
    expect(await second).toMatchObject({ code: 'EFFECT_IN_DOUBT' })
    // The second death is followed by a wait, in which this comes.
    expect((await send('/at-once', { method: 'POST', repeatable: false })).status).toBe(200)
  })

  test('ports that are guarded stay guarded', async () => {
    gateway.guardPort(Number(new URL(origin).port))
    await failure('/exit')
    expect(await failure('/at-once')).toMatchObject({ code: 'NETWORK_DENIED' })
    expect(seen).toEqual([])
  })
})

test('a thread that hangs is ended, and no request waits for it past its own time', async () => {
  const own = virtualClock()
  const hanging = httpGateway({ clock: own, tell: (message) => told.push(message), module: mortal })
  const request = { method: 'GET', headers: {}, timeoutMs: 1_000, maxBodyBytes: 1_000, allow: [new URL(origin).host] }
  const ask = (path: string, repeatable: boolean) =>
    hanging.send({ ...request, url: `${origin}${path}`, repeatable }, unheard).catch((error: Error) => error)
  expect(await ask('/at-once', true)).toMatchObject({ status: 200 })
  const looped = ask('/loop', false)
  const behind = ask('/at-once', true)
  await own.advance(6_000)
  expect(await looped).toMatchObject({ code: 'FETCH_TIMEOUT' })
  expect(await behind).toMatchObject({ code: 'FETCH_TIMEOUT' })
  await own.advance(2_000)
  expect(told).toEqual([expect.stringContaining('no sign of life')])
  await own.advance(5_000)
  expect(await ask('/at-once', true)).toMatchObject({ status: 200 })
  await hanging.close()
})
