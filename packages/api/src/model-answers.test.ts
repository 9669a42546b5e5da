import { apiBase } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler } from './handler.ts'

it('tells which models there are, and looks at their providers when it is asked to', async () => {
  const runtime = fakeRuntime()
  const handler = createHandler(runtime, { token: 'right' })
  const get = (query: string) =>
    handler(new Request(`http://localhost${apiBase}/models${query}`, { headers: { authorization: 'Bearer right' } }))
  const reply = await get('?check=true')
  expect(await reply.json()).toEqual({
    prices_of: '2026-01-01',
    models: [{ model: 'sim:echo', processes: ['watcher'], simulated: true, price: { input: 0, output: 0 } }],
    providers: [{ name: 'openai', base_url: 'https://x/v1', key: 'set', reached: true }],
  })
  expect(await (await get('')).json()).toMatchObject({ providers: [expect.not.objectContaining({ reached: true })] })
  expect((await get('?check=maybe')).status).toBe(400)
})
