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

test('which models there are, what they cost and why some are not asked is told, with a look at each provider', async () => {
  const run = () => 'done'
  const w = world({
    seed: 1,
    env: { GROQ_API_KEY: '' },
    agents: {
      cheap: { model: 'test:small', run },
      keyless: { model: 'groq:llama-3.3-70b-versatile', run },
      played: { model: 'sim:echo', run },
      unpriced: { model: 'openai:nobody-knows-it', run },
    },
    answers: ({ url, headers }) => ({ status: url.includes('openai') && headers['authorization'] ? 401 : 200 }),
  })
  await w.until(() => w.settled, 60_000)
  const asked = w.client.models(true)
  await w.run(10_000)
  const { models, providers } = await asked
  expect(models).toMatchObject([
    { model: 'test:small', processes: ['cheap'], price: { input: 1, output: 1 } },
    { model: 'groq:llama-3.3-70b-versatile', problem: 'the variable GROQ_API_KEY is not set' },
    { model: 'sim:echo', simulated: true },
    { model: 'openai:nobody-knows-it', problem: 'it has no price, and unpriced a limit in dollars' },
  ])
  expect(models[0]).not.toHaveProperty('problem')
  expect(providers).toMatchObject([
    { name: 'openai', reached: true, problem: 'it does not take the key (401)' },
    { name: 'groq', key: 'missing' },
    { name: 'test', base_url: 'http://models.test/v1', key: 'not_needed', reached: true },
  ])
  await w.stop()
  w.close()
})

test('a model that nobody knows is refused when it is deployed', async () => {
  const w = world({ seed: 1, agents: { fine: { run: () => 'done' } } })
  await w.until(() => w.settled, 60_000)
  const spawned = w.supervisor?.spawn({ name: 'wrong', model: 'nobody:x', entrypoint: '/agents/fine.js' })
  await expect(spawned).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message: expect.stringContaining('openrouter'),
  })
  expect(w.supervisor?.list()).toHaveLength(1)
  await w.stop()
  w.close()
})

test('a key that was used goes on no record, whoever says it', async () => {
  const key = 'sk-on-no-record-0123456789'
  const w = world({
    seed: 1,
    env: { OPENAI_API_KEY: key },
    agents: {
      teller: {
        model: 'openai:gpt-5-mini',
        context: { env: ['OPENAI_API_KEY'] },
        async run(_event, ctx) {
          await ctx.think('hello')
          return `the key is ${ctx.env['OPENAI_API_KEY']}`
        },
      },
    },
  })
  await w.until(() => w.settled, 60_000)
  void w.client.postEvent('teller', {})
  await w.run(60_000)
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations).toEqual([])
  const end = log.find(({ type }) => type === 'turn.completed')
  expect(end?.data).toMatchObject({ result: 'the key is [secret openai key]' })
  expect(JSON.stringify(log)).not.toContain(key)
  w.close()
})
