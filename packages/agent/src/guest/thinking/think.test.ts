import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostGlobals } from '../../../fixtures/scripted-core.ts'
import { type Said, thinkingCore, thinkingWith } from '../../../fixtures/thinking-core.ts'
import type { AgentContext, Tool } from '../../context.ts'

let restore: () => void
beforeEach(() => {
  restore = hostGlobals()
})
afterEach(() => restore())

const look: Tool = { name: 'look', description: 'looks', readOnly: true, run: (input) => ({ saw: input }) }
const send: Tool = {
  name: 'send',
  parameters: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
  run: async ({ to }: { to: string }, ctx) => {
    await ctx.publish('sent', to)
    return `sent to ${to}`
  },
} as Tool
const broken: Tool = {
  name: 'broken',
  run() {
    throw Object.assign(new Error('out of order'), { code: 'MACHINE' })
  },
}

async function turnOf(script: Parameters<typeof thinkingCore>[0], run: (ctx: AgentContext) => unknown, more = {}) {
  const core = thinkingCore(script)
  const life = core.start({ tools: [look, send, broken], run: (_event, ctx) => run(ctx) })
  const end = await life.turn({ ...thinkingWith(), ...more })
  return { ...core, end }
}

describe('ctx.think', () => {
  it('stands on the instructions and the rules, offers no tool, and gives what the model says', async () => {
    const { asked, end, calls } = await turnOf(['four'], (ctx) => ctx.think('2 + 2?'))
    expect(end).toMatchObject({
      t: 'completed',
      result: {
        text: 'four',
        toolCalls: [],
        usage: { inputTokens: 10, outputTokens: 5, modelCalls: 1, cost: 0.001 },
        finishReason: 'stop',
      },
    })
    expect((end as { writes: object }).writes).toEqual({})
    expect(asked).toEqual([
      {
        model: 'test:model',
        messages: [
          { role: 'system', text: expect.stringMatching(/^Be brief\.\n\nRules of the house:/) },
          { role: 'user', text: '2 + 2?' },
        ],
        max_output_tokens: 500,
        purpose: 'turn',
      },
    ])
    expect(calls.map(({ key }) => key)).toEqual(['model.generate:#0'])
  })

  it('puts data between fences, and the messages of the author in the place of the instructions', async () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ] as const
    const { asked } = await turnOf(['x'], (ctx) => ctx.think({ prompt: 'Sort.', data: { n: 1 }, messages }))
    expect(asked[0]?.messages).toEqual([
      { role: 'system', text: expect.stringMatching(/^Rules of the house:/) },
      { role: 'user', text: 'a' },
      { role: 'assistant', text: 'b' },
      { role: 'user', text: expect.stringMatching(/^Sort\.\n\n<data ([\d ]+) data>\n\| {"n":1}\n<\/data \1>$/) },
    ])
  })

  it('takes another model, with either sign between', async () => {
    const { asked } = await turnOf(['x'], (ctx) => ctx.think('?', { model: 'other/a:b' }))
    expect(asked[0]?.model).toBe('other:a:b')
  })

  it('lets the model use the tools that are named, in its order, and tells it what came of them', async () => {
    const script: Said[] = [
      [
        ['look', { at: 1 }],
        ['send', { to: 'Ann' }],
      ],
      'done',
    ]
    const { asked, end, calls } = await turnOf(script, (ctx) => ctx.think('go', { tools: ['l*', send] }))
    expect(asked[0]?.tools?.map(({ name }) => name)).toEqual(['look', 'send'])
    expect(asked[1]?.messages.slice(2)).toMatchObject([
      { role: 'assistant', calls: [{ name: 'look' }, { name: 'send' }] },
      { role: 'tool', text: expect.stringMatching(/\n\| {"saw":{"at":1}}\n/) },
      { role: 'tool', text: expect.stringMatching(/\n\| sent to Ann\n/) },
    ])
    expect(end).toMatchObject({
      result: {
        text: 'done',
        toolCalls: [
          { name: 'look', input: { at: 1 }, outcome: { ok: true, value: { saw: { at: 1 } } } },
          { name: 'send', input: { to: 'Ann' }, outcome: { ok: true, value: 'sent to Ann' } },
        ],
        usage: { modelCalls: 2 },
      },
    })
    expect(calls.map(({ key }) => key.replace(/:[0-9a-f]{16}/g, ''))).toEqual([
      'model.generate:#0',
      'tool:look#0',
      'tool:look#0',
      'tool:send#0',
      'tool:send#0/publish:sent#0',
      'tool:send#0',
      'model.generate:#1',
    ])
  })

  it.each<[string, unknown, string, RegExp]>([
    ['that is malformed', ['look', '{"a":'], 'TOOL_INPUT_INVALID', /the arguments of ..look.. are no JSON.*expected/],
    ['of a tool that there is not', ['lock', {}], 'TOOL_NOT_FOUND', /no tool ..lock..; there are look, send, broken/],
    ['that does not fit', ['send', { to: 1 }], 'TOOL_INPUT_INVALID', /input\.to: .*string/],
    ['that throws', ['broken', {}], 'MACHINE', /out of order/],
  ])('gives a call %s back as data', async (_what, call, code, says) => {
    const { asked, end } = await turnOf([[call as [string, unknown]], 'sorry'], (ctx) =>
      ctx.think('go', { tools: ['*'] }),
    )
    const told = asked[1]?.messages.at(-1)
    expect(told).toMatchObject({ role: 'tool', text: expect.stringContaining(`{"error":{"code":"${code}"`) })
    expect(told?.text).toMatch(says)
    for (const { arguments: text } of asked[1]?.messages.flatMap((each) =>
      'calls' in each ? (each.calls ?? []) : [],
    ) ?? [])
      JSON.parse(text)
    expect(end).toMatchObject({ result: { text: 'sorry', toolCalls: [{ outcome: { ok: false, error: { code } } }] } })
  })

  it('offers no tools in its last step, and makes no call that is asked for all the same', async () => {
    const again: Said = [['look', {}]]
    const { asked, end } = await turnOf([again, again], (ctx) => ctx.think('go', { tools: ['look'], maxSteps: 2 }))
    expect(asked.map(({ tool_choice }) => tool_choice)).toEqual(['auto', 'none'])
    expect(end).toMatchObject({ result: { finishReason: 'steps', toolCalls: [{ name: 'look' }] } })
  })

  it.each(['length', 'filter'] as const)(
    'ends when the answer was cut (%s), and makes no call of it',
    async (finish) => {
      const cut: Said = { text: 'so far', finish, calls: [{ id: 'a', name: 'look', arguments: '{}' }] }
      const { end } = await turnOf([cut], (ctx) => ctx.think('go', { tools: ['look'] }))
      expect(end).toMatchObject({ result: { text: 'so far', finishReason: finish, toolCalls: [] } })
    },
  )

  it('runs calls side by side that change nothing and stand together, and all others one by one', async () => {
    const marks: string[] = []
    const slow = (name: string, readOnly: boolean): Tool => ({
      name,
      readOnly,
      async run(_input, ctx) {
        marks.push(`${name} begins`)
        await ctx.publish('x', name)
        marks.push(`${name} ends`)
      },
    })
    const core = thinkingCore([
      [
        ['a', {}],
        ['b', {}],
        ['w', {}],
        ['a', {}],
      ],
      'done',
    ])
    const life = core.start({
      tools: [slow('a', true), slow('b', true), slow('w', false)],
      run: (_event, ctx) => ctx.think('go', { tools: ['*'] }),
    })
    await life.turn(thinkingWith())
    expect(marks).toEqual('a begins,b begins,a ends,b ends,w begins,w ends,a begins,a ends'.split(','))
  })

  it('tells calls apart to which the model gave one id, or none', async () => {
    const reply: Said = { calls: ['x', 'x', ''].map((id) => ({ id, name: 'look', arguments: '' })), finish: 'tools' }
    const { asked } = await turnOf([reply, 'done'], (ctx) => ctx.think('go', { tools: ['look'] }))
    const ids = asked[1]?.messages.filter(({ role }) => role === 'tool').map((each) => (each as { id: string }).id)
    expect(ids).toEqual(['x', 'call-1-1', 'call-1-2'])
  })

  it('cuts what a tool gives for the model, and says so', async () => {
    const core = thinkingCore([[['big', {}]], 'done'])
    const big: Tool = { name: 'big', run: () => 'x'.repeat(50_000) }
    const life = core.start({ tools: [big], run: (_event, ctx) => ctx.think('go', { tools: [big] }) })
    const end = await life.turn(thinkingWith())
    expect(core.asked[1]?.messages.at(-1)?.text).toMatch(
      /<\/data [\d ]+>\n\(cut: 10000 of 50000 characters are not shown\)$/,
    )
    expect(JSON.stringify(end)).toContain('x'.repeat(50_000))
  })

  it('tells the oldest results in short when a turn has become too long for any model', async () => {
    const core = thinkingCore([...Array.from({ length: 12 }, (_, n): Said => [['big', { n }]]), 'done'])
    const big: Tool = { name: 'big', run: () => 'x'.repeat(50_000) }
    const life = core.start({ tools: [big], run: (_event, ctx) => ctx.think('go', { tools: [big] }) })
    expect(await life.turn(thinkingWith())).toMatchObject({ result: { text: 'done' } })
    const lengths = core.asked.map(({ messages }) => messages.reduce((sum, { text }) => sum + text.length, 0))
    expect(Math.max(...lengths)).toBeLessThanOrEqual(400_000)
    const last = core.asked.at(-1)?.messages.filter(({ role }) => role === 'tool') ?? []
    expect(last[0]?.text).toMatch(/^<data ([\d ]+) result of big>\n\| x{2000}\.\.\. \(50000 characters\)\n<\/data \1>$/)
    expect(last.at(-1)?.text.length).toBeGreaterThan(40_000)
  })

  describe('with a schema', () => {
    const schema = { type: 'object', properties: { team: { enum: ['a', 'b'] } }, required: ['team'] }
    it.each<[string, Parameters<typeof turnOf>[0], unknown]>([
      ['fits at once', ['{"team":"a"}'], { output: { team: 'a' }, usage: { modelCalls: 1 } }],
      ['fits in a block of code', ['```json\n{"team":"b"}\n```'], { output: { team: 'b' } }],
      ['fits when asked again', ['team a', '{"team":"a"}'], { output: { team: 'a' }, usage: { modelCalls: 2 } }],
    ])('gives the output that %s', async (_what, script, result) => {
      const { asked, end } = await turnOf(script, (ctx) => ctx.think('sort', { schema }))
      expect(end).toMatchObject({ t: 'completed', result })
      expect(asked[0]?.schema).toMatchObject({ type: 'object', properties: { team: { enum: ['a', 'b'] } } })
      if (asked.length > 1) {
        expect(asked[1]).toMatchObject({ purpose: 'repair' })
        expect(asked[1]?.messages.at(-1)?.text).toMatch(
          /problems>\n\| it is no JSON.*\n<\/data .*\n.*"enum":\["a","b"\]/s,
        )
      }
    })

    it('may be one of a library, and gives what that makes of it', async () => {
      const standard = {
        '~standard': {
          version: 1 as const,
          vendor: 'test',
          validate: (value: unknown) => ({ value: { seen: value } }),
          jsonSchema: { input: () => ({ type: 'object' }) },
        },
      }
      const { asked, end } = await turnOf(['{"n":2}'], (ctx) => ctx.think('count', { schema: standard }))
      expect(asked[0]?.schema).toEqual({ type: 'object' })
      expect(end).toMatchObject({ result: { output: { seen: { n: 2 } }, text: '{"n":2}' } })
    })

    it('is OUTPUT_INVALID when the second answer does not fit either', async () => {
      const { end } = await turnOf(['no', '{"team":"c"}'], (ctx) => ctx.think('sort', { schema }))
      expect(end).toMatchObject({
        t: 'threw',
        error: { code: 'OUTPUT_INVALID', message: expect.stringContaining('output.team') },
      })
    })
  })

  it.each<[string, (ctx: AgentContext) => unknown, RegExp]>([
    ['nothing to say', (ctx) => ctx.think({}), /expected a prompt, data or messages/],
    ['no steps', (ctx) => ctx.think('x', { maxSteps: 0 }), /maxSteps from 1 to 100, found 0/],
    ['a tool that there is not', (ctx) => ctx.think('x', { tools: ['nix'] }), /\(look, send, broken\), found "nix"/],
    ['what is no schema', (ctx) => ctx.think('x', { schema: { minimun: 1 } }), /expected a JSON Schema/],
    [
      'the conversation in a step',
      (ctx) => ctx.step('s', () => ctx.think('x', { conversation: true })),
      /may not grow inside/,
    ],
  ])('refuses %s', async (_what, run, says) => {
    const { end, calls } = await turnOf([], run)
    expect(end).toMatchObject({ t: 'threw', error: { message: expect.stringMatching(says) } })
    expect(calls.filter(({ kind }) => kind !== 'step')).toEqual([])
  })

  it('needs a model, of the manifest or of its own', async () => {
    const { end } = await turnOf([], (ctx) => ctx.think('x'), { thinking: undefined })
    expect(end).toMatchObject({ t: 'threw', error: { code: 'MODEL_NOT_FOUND', retry: false } })
    const own = await turnOf(['y'], (ctx) => ctx.think('x', { model: 'test:m' }), { thinking: undefined })
    expect(own.end).toMatchObject({ t: 'completed', result: { text: 'y' } })
  })

  it('shows the conversation to who wants it, and adds what is said', async () => {
    const conversation = {
      summary: 'Ann is a customer.',
      messages: [{ n: 4, message: { role: 'user', text: 'hello' } as const }],
      upto: 3,
      last: 4,
    }
    const { asked, end } = await turnOf(
      ['hi Ann', 'bye Ann'],
      async (ctx) => {
        await ctx.think('greet', { conversation: true })
        await ctx.think({ prompt: 'part', data: [1] }, { conversation: true })
      },
      thinkingWith({ conversation }),
    )
    const [first, second] = asked.map(({ messages }) => messages.slice(1).map(({ role, text }) => `${role}: ${text}`))
    expect(first).toEqual([
      expect.stringMatching(/^user: <data .*\n\| Ann is a customer\.\n.*\n\n<data .*\n\| hello\n.*\n\ngreet$/s),
    ])
    expect(second).toEqual([
      expect.stringMatching(/\| greet\n/),
      'assistant: hi Ann',
      expect.stringMatching(/^user: part/),
    ])
    expect(end).toMatchObject({
      writes: {
        conversation: {
          append: [
            { role: 'user', text: 'greet' },
            { role: 'assistant', text: 'hi Ann' },
            { role: 'user', text: '{"prompt":"part","data":[1]}' },
            { role: 'assistant', text: 'bye Ann' },
          ],
        },
      },
    })
  })

  it('is a call like any other inside a step', async () => {
    const { end, calls } = await turnOf(['in', 'out'], async (ctx) => {
      const inner = await ctx.step('s', async () => (await ctx.think('a')).text)
      return [inner, (await ctx.think('b')).text]
    })
    expect(end).toMatchObject({ result: ['in', 'out'] })
    expect(calls.map(({ key }) => key)).toEqual(['step:s#0/model.generate:#0', 'step:s#0', 'model.generate:#0'])
  })
})
