import { defineTool } from '@vigil/agent'
import { crash, judge, type ModelScript, scripted, testAgent, world } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const label = defineTool({
  name: 'label',
  input: z.object({ text: z.string() }),
  run: async ({ text }, ctx) => {
    await ctx.publish('labelled', text)
    return `labelled ${text}`
  },
})

describe('an agent without code', () => {
  test('thinks, uses what is built in, and remembers', async () => {
    const model = scripted([
      {
        tools: [
          { tool: 'set_state', input: { key: 'seen', value: 1 } },
          { tool: 'get_state', input: { key: 'seen' } },
        ],
      },
      { tool: 'finish', input: { team: 'billing' } },
      { text: 'again' },
    ])
    await using t = await testAgent(
      { name: 'triage', instructions: 'Sort.', toolPolicy: { set_state: true, get_state: true, finish: true } },
      { model },
    )
    expect(await t.fire('manual', { ticket: 7 })).toMatchObject({
      status: 'completed',
      result: { team: 'billing' },
      state: { seen: 1 },
    })
    expect(await t.fire('manual', { ticket: 8 })).toMatchObject({ result: 'again' })
    const [first, , last] = t.world.models.asked
    expect(first?.messages[0]?.text).toMatch(/^Sort\.\n\nRules/)
    expect(first?.tools?.map(({ name }) => name).toSorted()).toEqual(['finish', 'get_state', 'set_state'])
    expect(last?.messages[1]?.text).toMatch(/earlier event>\n\| manual, .*{"ticket":7}\n/)
  })

  test('brings tools and the schema of its result, if it has a module', async () => {
    await using t = await testAgent(
      { name: 'triage', tools: [label], result: z.object({ n: z.number() }) },
      { model: scripted([{ tool: 'label', input: { text: 'x' } }, '{"n":1}']) },
    )
    const turn = await t.fire('manual')
    expect(turn).toMatchObject({ result: { n: 1 } })
    expect(turn.effects.map(({ kind }) => kind)).toEqual(['model.generate', 'publish', 'tool', 'model.generate'])
  })

  test('holds no guest while it waits for a person, and asks its model nothing twice', async () => {
    await using t = await testAgent(
      { name: 'asker', toolPolicy: { ask_human: true } },
      { model: scripted([{ tool: 'ask_human', input: { question: 'Which?' } }, 'the blue one']) },
    )
    const turn = t.fire('manual')
    expect(await t.world.until(() => t.requests.length > 0, 60_000)).toBe(true)
    await t.advance('1m')
    expect(t.world.cells.living.filter(({ process }) => process === 'asker')).toEqual([])
    await t.requests[0]?.answer('blue')
    expect(await turn).toMatchObject({ status: 'completed', result: 'the blue one' })
    expect(t.world.models.asked.at(-1)?.messages.at(-1)?.text).toContain('| blue\n')
    expect(t.world.models.billed).toHaveLength(2)
  })

  test('waits for a person when what cannot be undone is in doubt', async () => {
    const pay = defineTool({
      name: 'pay',
      irreversible: true,
      async run(_input, ctx) {
        await ctx.publish('paying', null)
        return 'paid'
      },
    })
    const model: ModelScript = ({ messages }) => (messages.at(-1)?.role === 'user' ? { tool: 'pay' } : 'paid, I think')
    const w = world({
      seed: 1,
      agents: { payer: { model: 'test:m', tools: [pay] } },
      model,
      faults: [crash('payer').after('bus.published')],
    })
    await w.until(() => w.settled, 60_000)
    void w.client.postEvent('payer', null).catch(() => undefined)
    await w.run(60_000)
    await w.stop()
    const { violations, log } = await judge(w)
    w.close()
    expect(violations).toEqual([])
    expect(
      log.filter(({ type }) => type === 'turn.parked' || type === 'turn.completed').map(({ type }) => type),
    ).toEqual(['turn.parked'])
  })

  test('pays for its summary, and lets go of what it stands for', async () => {
    const context = { conversationMaxMessages: 4 }
    await using t = await testAgent(
      { name: 'clerk', context },
      { model: (call) => (call.messages[0]?.text.startsWith('You keep the memory') ? 'SUMMARY' : 'ok') },
    )
    for (let n = 0; n < 5; n += 1) await t.fire('manual', n)
    const last = t.world.models.asked
      .at(-1)
      ?.messages.map(({ text }) => text)
      .join('\n')
    expect(last).toContain('| SUMMARY')
    expect(last).not.toMatch(/earlier event>\n\| manual, .*: 0\n/)
    expect(last).toMatch(/earlier event>\n\| manual, .*: 3\n/)
  })
})

test('a script that is not used up is an error of the test, and so is one that is too short', async () => {
  const t = await testAgent({ name: 'a' }, { model: scripted(['one', 'two']) })
  await t.fire('manual')
  await expect(t[Symbol.asyncDispose]()).rejects.toThrow('the last 1 answers')
  await using short = await testAgent({ name: 'a', delivery: { maxRetries: 0 } }, { model: scripted([]) })
  expect(await short.fire('manual')).toMatchObject({ status: 'dead_lettered', error: { code: 'MODEL_REFUSED' } })
})

test('code asks its model, with the schema of a library', async () => {
  await using t = await testAgent(
    {
      name: 'sorter',
      run: async (event, ctx) =>
        (await ctx.think({ prompt: 'Sort.', data: event.payload }, { schema: z.object({ team: z.enum(['a', 'b']) }) }))
          .output,
    },
    { model: scripted(['a', '{"team":"a"}']) },
  )
  expect(await t.fire('manual', 'x')).toMatchObject({ result: { team: 'a' } })
  expect(t.world.models.asked[0]?.schema).toMatchObject({ properties: { team: { enum: ['a', 'b'] } } })
})

test('a tool that is built in and listed does not go with one of the module of that name', async () => {
  const clash = { name: 'a', toolPolicy: { publish: true }, maxRestarts: 1, tools: [{ ...label, name: 'publish' }] }
  await expect(testAgent({ ...clash, run: () => 1 })).rejects.toThrow()
  await using t = await testAgent({ ...clash, toolPolicy: {}, run: () => 1 })
  expect(await t.fire('manual')).toMatchObject({ result: 1 })
})
