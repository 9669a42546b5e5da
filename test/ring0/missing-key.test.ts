import { judge, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

test('without the key of its model a process waits with all its events, says which variable, and runs when Vigil is started with it', async () => {
  const env: Record<string, string> = { OPENAI_API_KEY: '' }
  const w = world({
    seed: 7,
    env,
    agents: { thinker: { model: 'openai:gpt-5-mini', run: (event) => event.payload } },
  })
  await w.until(() => w.settled, 60_000)
  void w.client.postEvent('thinker', { n: 1 }, { idempotencyKey: 'n-1' })
  await w.run(60_000)
  const waiting = await w.client.process('thinker')
  expect(waiting).toMatchObject({
    state: 'awaiting',
    mailbox: { waiting: 1 },
    counters: { completed: 0, dead_lettered: 0 },
  })
  expect(waiting.attention).toMatchObject([{ what: expect.stringContaining('OPENAI_API_KEY') }])

  env['OPENAI_API_KEY'] = 'sk-0123456789'
  w.kill()
  await w.run(120_000)
  const after = await w.client.process('thinker')
  expect(after).toMatchObject({ state: 'running', mailbox: { waiting: 0 }, counters: { completed: 1 }, attention: [] })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
  w.close()
})
