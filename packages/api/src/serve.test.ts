import { createClient } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { fakeRuntime } from './fake-runtime.fixture.ts'
import { serve, serveHooks } from './serve.ts'

it('listens on a free port, answers the typed client, and is gone after close', async () => {
  const listener = await serve(fakeRuntime(), { port: 0, token: 'right' })
  const client = createClient({ url: listener.url, token: 'right' })
  expect(listener.url).toBe(`http://127.0.0.1:${listener.port}`)
  expect((await client.processes()).total).toBe(1)
  await expect(createClient({ url: listener.url, token: 'wrong' }).processes()).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  })
  await listener.close()
  await expect(client.health()).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

it('names the port that is in use', async () => {
  const first = await serve(fakeRuntime(), { port: 0, token: 'right' })
  const second = serve(fakeRuntime(), { port: first.port, token: 'right' })
  await expect(second).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`127.0.0.1:${first.port}`),
  })
  await first.close()
})

it.each([serve, serveHooks])('keeps agents away from its port for as long as it listens', async (listen) => {
  const runtime = fakeRuntime()
  const listener = await listen(runtime, { port: 0, token: 'right' })
  expect([...runtime.guarded]).toEqual([listener.port])
  await listener.close()
  expect([...runtime.guarded]).toEqual([])
})

it('goes without a token on loopback only', async () => {
  await expect(serve(fakeRuntime(), { host: '0.0.0.0', port: 0, token: undefined })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})
