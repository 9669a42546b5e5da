import { defineTool } from '@vigil/agent'
import { nth, ring0 } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { paying, turnOf } from '../support/tool-turns.ts'

describe('a call', () => {
  test('is answered by the tool, and stands on record with its input, what it called and what it may cost', async () => {
    const { ends, log, tools } = await turnOf({
      tools: [
        defineTool({
          name: 'add',
          cost: 0.25,
          run: async ({ a, b }: { a: number; b: number }, ctx) => {
            await ctx.publish('added', a + b)
            return { sum: a + b }
          },
        }),
      ],
      run: (_event, ctx) => ctx.tools.call('add', { a: 1, b: 2 }),
    })
    expect(ends).toMatchObject([{ type: 'turn.completed', result: { sum: 3 } }])
    const [intended, completed] = tools
    const key = expect.stringMatching(/^tool:add:[0-9a-f]{16}#0$/)
    const amounts = { tool_calls: 1, usd: 250_000 }
    expect(intended?.data).toEqual({
      key,
      kind: 'tool',
      input: { name: 'add', input: { a: 1, b: 2 } },
      repeatable: true,
      reserved: amounts,
    })
    expect(completed?.data).toMatchObject({ key, outcome: { ok: true, value: { sum: 3 } }, spent: amounts })
    const published = log.find(({ type }) => type === 'bus.published')
    expect(published?.data).toMatchObject({ key: expect.stringMatching(/^tool:add:[0-9a-f]{16}#0\/publish:/) })
  })

  test.each<[string, unknown, string]>([
    ['no_such', {}, 'TOOL_NOT_FOUND: the module has no tool "no_such"; it has add, never_ever'],
    [
      'add',
      { a: 1 },
      'TOOL_INPUT_INVALID: the input does not fit the schema of tool "add": input: Instance does not have required property "b".',
    ],
    [
      'add',
      { a: 1, b: 'x' },
      'TOOL_INPUT_INVALID: the input does not fit the schema of tool "add": input.b: Instance type "string" is invalid. Expected "number".',
    ],
    ['add', { a: 1, b: 'x'.repeat(70_000) }, 'TOO_LARGE'],
    [
      'never_ever',
      {},
      'TOOL_DENIED: the tool "never_ever" is not allowed; change in the manifest: tools: { "never_*": true }',
    ],
  ])('of %s with %j is refused', async (name, input, said) => {
    const add = { name: 'add', run: () => 'ran' }
    const number = { type: 'number' }
    const strict = { type: 'object', properties: { a: number, b: number }, required: ['a', 'b'] }
    const { ends } = await turnOf({
      tools: [said === 'TOO_LARGE' ? add : { ...add, parameters: strict }, { name: 'never_ever', run: () => 'ran' }],
      toolPolicy: { 'never_*': false },
      run: (_event, ctx) =>
        ctx.tools.call(name, input).catch((error) => `${error.code}: ${error.message.slice(0, 200)}`),
    })
    expect(ends).toMatchObject([{ type: 'turn.completed', result: expect.stringContaining(said) }])
  })

  test('costs what the tool says or the budget, whichever is more', async () => {
    const { tools, run } = paying({ cost: 0.25 })
    const toolCosts = { pay: { cost: 0.5, irreversible: true } }
    const { tools: records } = await turnOf({ tools, run, budget: { toolCosts } })
    expect(records[0]?.data).toMatchObject({ repeatable: false, reserved: { usd: 500_000, irreversible: 1 } })
  })

  test('that the budget has no room for is refused, and the tool has not run', async () => {
    const { runs, tools, run } = paying()
    const { ends } = await turnOf({
      tools,
      budget: { maxToolCallsPerInvocation: 1 },
      run: async (event, ctx) => [
        await run(event, ctx),
        await ctx.tools.call('pay', { to: 'Bob' }).catch(({ code }) => code),
      ],
    })
    expect([runs.length, ends]).toMatchObject([1, [{ result: ['paid 1', 'BUDGET_EXCEEDED'] }]])
  })

  test('that the manifest refuses is an outcome: the tool has not run, and a crash asks for no other', async () => {
    const { runs, tools, run } = paying()
    const { ends, tools: records } = await turnOf(
      {
        tools,
        run: (event, ctx) =>
          Promise.resolve(run(event, ctx)).catch(async (error: { code: string }) => {
            await ctx.publish('refused', null)
            return error.code
          }),
        toolPolicy: { pay: false },
      },
      [ring0.kill.after('bus.published', nth(2))],
    )
    expect([runs, ends]).toMatchObject([[], [{ type: 'turn.completed', result: 'TOOL_DENIED' }]])
    expect(records.map(({ type }) => type)).toEqual(['effect.completed'])
  })

  test('beyond max_per_turn is refused, however the attempts before have ended', async () => {
    const { runs, tools } = paying()
    const { ends } = await turnOf({
      tools,
      toolPolicy: { 'p*': { maxPerTurn: 3 } },
      delivery: { maxRetries: 5 },
      run: async (_event, ctx) => {
        await ctx.tools.call('pay', { attempt: ctx.turn.attempt }).catch((error) => {
          throw Object.assign(error, { retry: error.code !== 'TOOL_LIMIT' })
        })
        throw new Error('again')
      },
    })
    expect([runs.length, ends]).toMatchObject([
      3,
      [
        {
          type: 'turn.dead_lettered',
          error: { code: 'TOOL_LIMIT', message: expect.stringContaining('max_per_turn: 4') },
        },
      ],
    ])
  })

  test('with a schema of a library gets what that makes of the input, and so does the policy', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => ({ value: { currency: 'EUR', ...(value as object) } }),
      },
    }
    const { ends, tools } = await turnOf({
      tools: [defineTool({ name: 'pay', input: schema, run: (input) => input })],
      run: (_event, ctx) => ctx.tools.call('pay', { amount: 3 }),
    })
    expect(ends).toMatchObject([{ result: { currency: 'EUR', amount: 3 } }])
    expect(tools[0]?.data).toMatchObject({ input: { input: { currency: 'EUR', amount: 3 } } })
  })
})

describe('a tool', () => {
  test('that throws fails its call with its own error, also for who reads it from the record', async () => {
    const { ends } = await turnOf(
      {
        tools: [
          {
            name: 'break',
            run() {
              throw Object.assign(new RangeError('too far'), { code: 'MY_OWN' })
            },
          },
        ],
        run: (_event, ctx) =>
          ctx.tools.call('break').catch(async ({ name, code, message }) => {
            await ctx.publish('broken', null)
            return { name, code, message }
          }),
      },
      [ring0.kill.after('bus.published')],
    )
    expect(ends).toMatchObject([{ result: { name: 'RangeError', code: 'MY_OWN', message: 'too far' } }])
  })

  test('may call tools, whose calls stand under its own', async () => {
    const { ends, tools } = await turnOf({
      tools: [
        { name: 'outer', run: (_input, ctx) => ctx.tools.call('inner') },
        { name: 'inner', run: () => 7 },
      ],
      run: (_event, ctx) => ctx.tools.call('outer'),
    })
    expect(ends).toMatchObject([{ result: 7 }])
    expect(tools.map(({ data }) => (data as { key: string }).key.replaceAll(/:[0-9a-f]{16}/g, ''))).toEqual([
      'tool:outer#0',
      'tool:outer#0/tool:inner#0',
      'tool:outer#0/tool:inner#0',
      'tool:outer#0',
    ])
  })

  test.each([
    ['its own', { timeoutMs: 30_000 }, {}],
    ['that of the manifest, which is shorter', { timeoutMs: 3_000_000 }, { pay: { timeout: '30s' } }],
  ])('past %s timeout rejects, its signal aborts, and the turn goes on', async (_whose, options, toolPolicy) => {
    let aborted: unknown
    const { ends } = await turnOf({
      toolPolicy,
      tools: [
        {
          name: 'pay',
          ...options,
          run: (_input, ctx) =>
            new Promise(() => {
              ctx.signal.addEventListener('abort', () => {
                aborted = ctx.signal.reason
              })
            }),
        },
      ],
      run: (_event, ctx) => ctx.tools.call('pay').catch(({ code, retryable }) => ({ code, retryable, at: ctx.now() })),
    })
    expect(ends).toMatchObject([{ type: 'turn.completed', result: { code: 'TOOL_TIMEOUT', retryable: true } }])
    expect(aborted).toMatchObject({ code: 'TOOL_TIMEOUT' })
  })

  test('that may run once and is late may have happened', async () => {
    const never = { name: 'pay', once: true, timeoutMs: 30_000, run: () => new Promise(() => undefined) }
    const { ends } = await turnOf({ tools: [never], run: (_event, ctx) => ctx.tools.call('pay') })
    expect(ends).toMatchObject([{ type: 'turn.parked', error: { code: 'EFFECT_IN_DOUBT' } }])
  })

  test('gives JSON, up to 1 MB', async () => {
    const { ends } = await turnOf({
      tools: [
        { name: 'map', run: () => new Map() },
        { name: 'large', run: () => 'x'.repeat(1_000_001) },
      ],
      run: (_event, ctx) => Promise.all(['map', 'large'].map((name) => ctx.tools.call(name).catch(({ code }) => code))),
    })
    expect(ends).toMatchObject([{ result: ['INVALID_ARGUMENT', 'TOO_LARGE'] }])
  })

  test('that may run once and gives what cannot be recorded is not run again', async () => {
    let runs = 0
    const map = {
      name: 'pay',
      once: true,
      run() {
        runs += 1
        return new Map()
      },
    }
    const { ends } = await turnOf({ tools: [map], run: (_event, ctx) => ctx.tools.call('pay') })
    expect([runs, ends]).toMatchObject([1, [{ type: 'turn.parked', error: { code: 'EFFECT_IN_DOUBT' } }]])
  })

  test('may not write state, which its record would not bring back', async () => {
    const write = {
      name: 'write',
      run: (_input: unknown, ctx: { state: { set(key: string, value: unknown): void } }) => ctx.state.set('a', 1),
    }
    const { ends } = await turnOf({
      tools: [write],
      run: (_event, ctx) => ctx.tools.call('write').catch(({ code }) => code),
    })
    expect(ends).toMatchObject([{ result: 'INVALID_STATE' }])
  })

  test('is not run again by the next attempt when it has an outcome', async () => {
    const { runs, tools, run } = paying()
    const { ends } = await turnOf({
      tools,
      async run(event, ctx) {
        const paid = await run(event, ctx)
        if (ctx.turn.attempt === 1) throw new Error('something else')
        return paid
      },
    })
    expect([runs.length, ends]).toMatchObject([1, [{ type: 'turn.completed', attempt: 2, result: 'paid 1' }]])
  })
})
