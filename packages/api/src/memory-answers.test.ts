import { apiBase } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler } from './handler.ts'

it('tells what is remembered, and forgets in the name of who asks', async () => {
  const runtime = fakeRuntime()
  const handler = createHandler(runtime, { token: 'right' })
  const send = async (to: string, method = 'GET') => {
    const headers = { authorization: 'Bearer right' }
    const reply = await handler(
      new Request(`http://localhost${apiBase}/processes/watcher/memory${to}`, { method, headers }),
    )
    return { status: reply.status, body: (await reply.json()) as object }
  }
  expect(await send('?q=blue%20sky&limit=5&cursor=c')).toMatchObject({
    status: 200,
    body: { enabled: true, share: 'notes', total: 1, entries: [{ id: 'm-1', text: 'blue', score: 1 }], next: 'more' },
  })
  expect((await send('')).status).toBe(200)
  expect((await send('?limit=0')).status).toBe(400)
  expect(await send('/m-1', 'DELETE')).toEqual({ status: 200, body: { id: 'm-1' } })
  expect(runtime.calls).toEqual([
    ['memory', { query: 'blue sky', limit: 5, cursor: 'c' }],
    ['memory', { limit: 100 }],
    ['forgetMemory', 'm-1', 'operator'],
  ])
})
