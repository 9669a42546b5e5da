import { builtinTools, type Conversation, type ModelMessage, type OfferedTool } from '@vigil/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CoreScript, hostGlobals, type TurnEnd } from '../../../fixtures/scripted-core.ts'
import { type Said, thinkingCore, thinkingWith } from '../../../fixtures/thinking-core.ts'
import type { AgentDefinition, Tool } from '../../context.ts'

let restore: () => void
beforeEach(() => {
  restore = hostGlobals()
})
afterEach(() => restore())

type Script = Parameters<typeof thinkingCore>[0]
type Turn = Parameters<typeof thinkingWith>[0]

const label: Tool = {
  name: 'label',
  async run(input, ctx) {
    await ctx.publish('labelled', input)
    return 'labelled'
  },
}
const offered = [{ name: 'label' }]
const builtin = (...names: string[]): OfferedTool[] =>
  names.map((name) => ({ name, ...builtinTools[name] }) as OfferedTool)

async function turnOf(
  script: Script,
  { agent = {}, core: more = {}, ...thinking }: Turn & { agent?: AgentDefinition; core?: CoreScript } = {},
) {
  const core = thinkingCore(script, more)
  const life = core.start(agent)
  const end = await life.turn(thinkingWith(thinking))
  return { ...core, end }
}

const appended = (end: TurnEnd): readonly ModelMessage[] =>
  end.t === 'completed' ? (end.writes.conversation?.append ?? []) : []

describe('an agent without code', () => {
  it('tells its model of the event, and ends with what that says', async () => {
    const { asked, end } = await turnOf(['all is well'])
    expect(end).toMatchObject({ t: 'completed', result: 'all is well', unasked: [] })
    const [system, user] = asked[0]?.messages ?? []
    expect(system?.text).toMatch(/^Be brief\./)
    expect(user?.text).toMatch(
      /^An event has come: manual, by the trigger "manual", at 2026-01-02T03:04:05.000Z\.\n<data ([\d ]+) payload>\n\| {"n":1}\n<\/data \1>$/,
    )
    expect(appended(end)).toEqual([
      { role: 'user', text: 'manual, "manual", 2026-01-02T03:04:05.000Z: {"n":1}' },
      { role: 'assistant', text: 'all is well' },
    ])
  })

  it('shows metadata when there are any', async () => {
    const core = thinkingCore(['x'])
    const event = {
      event_id: 'e',
      trigger_id: 'hook:/a',
      type: 'webhook',
      timestamp: 't',
      payload: 'hi',
      metadata: { method: 'POST' },
    }
    await core.start({}).turn({ ...thinkingWith(), event: event as never })
    expect(core.asked[0]?.messages[1]?.text).toMatch(/payload>\n\| hi\n.*metadata>\n\| {"method":"POST"}\n/s)
  })

  it('may use what is offered, and nothing else', async () => {
    const other: Tool = { name: 'other', run: () => 1 }
    const { asked, end } = await turnOf([[['label', { n: 1 }]], [['other', {}]], 'done'], {
      agent: { tools: [label, other] },
      offered,
    })
    expect(asked[0]?.tools?.map(({ name }) => name)).toEqual(['label'])
    expect(asked[2]?.messages.at(-1)?.text).toContain('TOOL_NOT_FOUND')
    expect(appended(end).map(({ role }) => role)).toEqual('user,assistant,tool,assistant,tool,assistant'.split(','))
  })

  it('has a result that fits its schema', async () => {
    const result = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const { end } = await turnOf(['{"n":3}'], { agent: { result } })
    expect(end).toMatchObject({ result: { n: 3 } })
  })

  it('has the result that finish is given, and makes no call behind it', async () => {
    const calls: Said = [
      ['label', { n: 1 }],
      ['finish', { team: 'a' }],
      ['label', { n: 2 }],
    ]
    const { end, calls: made } = await turnOf([calls], {
      agent: { tools: [label] },
      offered: [...offered, ...builtin('finish')],
    })
    expect(end).toMatchObject({ t: 'completed', result: { team: 'a' } })
    expect(made.filter(({ kind }) => kind === 'publish')).toHaveLength(1)
    expect(appended(end).at(-1)).toMatchObject({ role: 'tool', text: expect.stringContaining('the turn had ended') })
  })

  it('ends after 20 steps', async () => {
    const { asked, end, logs } = await turnOf(
      Array.from({ length: 20 }, (_, n): Said => [['label', { n }]]),
      { agent: { tools: [label] }, offered },
    )
    expect(end).toMatchObject({ t: 'completed', result: '' })
    expect(asked.at(-1)?.tool_choice).toBe('none')
    expect(logs).toMatchObject([{ level: 'warn', message: expect.stringContaining('steps') }])
  })

  it('needs a model', async () => {
    const core = thinkingCore([])
    expect(await core.start({}).turn()).toMatchObject({ t: 'threw', error: { code: 'MODEL_NOT_FOUND', retry: false } })
  })

  it('checks its payload, as code does', async () => {
    const payload = {
      '~standard': { version: 1 as const, vendor: 't', validate: () => ({ issues: [{ message: 'no' }] }) },
    }
    const { end, asked } = await turnOf([], { agent: { payload } })
    expect(end).toMatchObject({ t: 'threw', error: { code: 'PAYLOAD_INVALID' } })
    expect(asked).toEqual([])
  })

  it.each(['BUDGET_EXCEEDED', 'TURN_DIVERGED', 'FETCH_FAILED'])('fails when its model is refused: %s', async (code) => {
    const refused = () => {
      throw Object.assign(new Error('no'), { code })
    }
    const { end } = await turnOf([refused])
    expect(end).toMatchObject({ t: 'threw', error: { code } })
  })

  it.each(['TOOL_DENIED', 'TOOL_LIMIT', 'BUDGET_EXCEEDED'])('goes on when a tool is refused: %s', async (code) => {
    const core = {
      answer: () => {
        throw Object.assign(new Error('not now'), { code })
      },
    }
    const { asked, end } = await turnOf([[['label', {}]], 'as you wish'], { agent: { tools: [label] }, offered, core })
    expect(asked[1]?.messages.at(-1)?.text).toContain(`{"error":{"code":"${code}","message":"not now"}}`)
    expect(end).toMatchObject({ result: 'as you wish' })
  })
})

describe('tools that are built in', () => {
  it('do what they say through the calls of the turn, under the call of the tool', async () => {
    const names = [
      'publish',
      'send_message',
      'read_file',
      'list_files',
      'fetch',
      'get_state',
      'ask_human',
      'search_memory',
      'store_memory',
    ]
    const calls: Said = [
      ['publish', { topic: 'a.b', data: 1 }],
      ['send_message', { to: 'x', content: 2 }],
      ['read_file', { path: 'in/a.txt' }],
      ['list_files', { path: 'in' }],
      ['fetch', { url: 'https://a.example/', method: 'POST', body: 'b' }],
      ['get_state', { key: 'n' }],
      ['get_state', {}],
      ['ask_human', { question: 'Well?' }],
      ['search_memory', { query: 'Ann' }],
      ['store_memory', { text: 'Ann called', key: 'ann' }],
    ]
    const answers: Record<string, unknown> = {
      'file.read': { body: Buffer.from('text').toString('base64') },
      'file.list': [{ name: 'a', size: 1 }],
      fetch: { status: 201, headers: [], body: Buffer.from('made').toString('base64') },
      ask_human: 'yes',
      'memory.search': [{ id: 'm', text: 'Ann', tags: ['a'], score: 1, at: 't', by: 'me' }],
    }
    const core = thinkingCore([calls, 'done'], { answer: ({ kind }) => answers[kind] ?? null })
    const turn = thinkingWith({ offered: builtin(...names) })
    const end = await core.start({}).turn({ ...turn, state: { full: true, set: { n: 7 }, delete: [] } })
    expect(end).toMatchObject({ t: 'completed', result: 'done' })
    const told = core.asked[1]?.messages.filter(({ role }) => role === 'tool').map(({ text }) => text.split('\n')[1])
    expect(told).toEqual([
      '| published',
      '| sent',
      '| text',
      '| [{"name":"a","size":1}]',
      '| {"status":201,"content_type":null,"text":"made"}',
      '| {"value":7}',
      '| {"keys":["n"]}',
      '| yes',
      '| [{"text":"Ann","tags":["a"],"at":"t"}]',
      '| stored',
    ])
    const inner = core.calls.filter(({ key }) => key.includes('/')).map(({ key, kind }) => [key.split(':')[1], kind])
    expect(inner).toEqual([
      ['publish', 'publish'],
      ['send_message', 'send'],
      ['read_file', 'file.read'],
      ['list_files', 'file.list'],
      ['fetch', 'fetch'],
      ['ask_human', 'ask_human'],
      ['search_memory', 'memory.search'],
      ['store_memory', 'memory.store'],
    ])
  })

  it('write state behind the call, also when the record answers it', async () => {
    const script: Script = [
      [
        ['set_state', { key: 'n', value: 8 }],
        ['set_state', { key: 'old', value: null }],
      ],
      [['get_state', { key: 'n' }]],
      'done',
    ]
    const core = thinkingCore(script)
    const turn = {
      ...thinkingWith({ offered: builtin('set_state', 'get_state') }),
      state: { full: true, set: { n: 7, old: 1 }, delete: [] },
    }
    const cut = core.start({})
    const died = cut.cutAt(6, 'recorded')
    void cut.turn(turn)
    await died
    const end = await core.start({}).turn({ ...turn, recorded: [...core.recorded], crashed: true })
    expect(end).toMatchObject({ t: 'completed', writes: { set: { n: 8 }, delete: ['old'] } })
    expect(core.asked[2]?.messages.at(-1)?.text).toContain('{"value":8}')
    expect(core.asked).toHaveLength(3)
  })

  it('are refused a key that may not be written, and the model is told', async () => {
    const core = thinkingCore([[['set_state', { key: 'n', value: 8 }]], 'oh'])
    const end = await core.start({}).turn({ ...thinkingWith({ offered: builtin('set_state') }), writable: ['m'] })
    expect(core.asked[1]?.messages.at(-1)?.text).toContain('STATE_DENIED')
    expect(end).toMatchObject({ t: 'completed', result: 'oh' })
  })

  it('check their input', async () => {
    const { asked } = await turnOf([[['publish', { topic: 'a', data: 1, more: 2 }]], 'oh'], {
      offered: builtin('publish'),
    })
    expect(asked[1]?.messages.at(-1)?.text).toContain('TOOL_INPUT_INVALID')
  })
})

describe('the conversation', () => {
  const long = (turns: number): Conversation => ({
    summary: 'old',
    messages: Array.from({ length: turns * 2 }, (_, index) => ({
      n: 11 + index,
      message: { role: index % 2 === 0 ? 'user' : 'assistant', text: `said ${index}` } as const,
    })),
    upto: 10,
    last: 10 + turns * 2,
  })
  const window = { messages: 10, tokens: 100_000 }

  it('is shown between instructions and event', async () => {
    const { asked, end } = await turnOf(['x'], { conversation: long(2), window })
    expect(asked[0]?.messages.slice(1).map(({ role }) => role)).toEqual('user,assistant,user,assistant,user'.split(','))
    expect(asked[0]?.messages[1]?.text).toMatch(/summary of earlier turns>\n\| old\n.*earlier event>\n\| said 0\n/s)
    expect(end).toMatchObject({ writes: { conversation: { append: [{}, {}] } } })
    expect(JSON.stringify(end)).not.toContain('upto')
  })

  it('that is too long is summarised once, and what fell out is let go with the turn', async () => {
    const { asked, end } = await turnOf(['new summary', 'x'], { conversation: long(8), window })
    expect(asked.map(({ purpose }) => purpose)).toEqual(['summary', 'turn'])
    expect(asked[0]?.messages[1]?.text).toMatch(
      /memory so far>\n\| old\n.*since then>\n\| user: said 0\n\| assistant: said 1\n/s,
    )
    expect(asked[1]?.messages[1]?.text).toContain('| new summary\n')
    expect(JSON.stringify(asked[1]?.messages)).not.toContain('said 10')
    expect(end).toMatchObject({ writes: { conversation: { summary: 'new summary', upto: 21, append: [{}, {}] } } })
  })

  it.each<[string, Said | (() => Said)]>([
    [
      'is refused',
      () => {
        throw Object.assign(new Error('no'), { code: 'BUDGET_EXCEEDED' })
      },
    ],
    ['is empty', ' '],
  ])('is trimmed without a summary that %s, and nothing is let go', async (_what, summary) => {
    const { asked, end, logs } = await turnOf([summary, 'x'], { conversation: long(8), window })
    expect(asked[1]?.messages[1]?.text).toContain('| old\n')
    expect(JSON.stringify(asked[1]?.messages)).not.toContain('said 10')
    expect(end).toMatchObject({ t: 'completed', result: 'x', writes: { conversation: { append: [{}, {}] } } })
    expect(JSON.stringify(end)).not.toContain('upto')
    expect(logs).toHaveLength(1)
  })

  it('keeps little of what is long', async () => {
    const big: Tool = { name: 'label', run: () => 'r'.repeat(9_000) }
    const { end } = await turnOf([[['label', { text: 'a'.repeat(5_000) }]], 'z'.repeat(5_000)], {
      agent: { tools: [big] },
      offered,
    })
    for (const message of appended(end)) expect(message.text.length).toBeLessThan(2_050)
    const [call] = (appended(end)[1] as { calls: { arguments: string }[] }).calls
    expect(JSON.parse(call?.arguments ?? '')).toMatchObject({ shortened: expect.stringMatching(/^{"text":"aaa/) })
    expect(call?.arguments.length).toBeLessThan(2_100)
  })
})

describe('a life that is cut', () => {
  const script: Script = [
    'new summary',
    [
      ['label', { n: 1 }],
      ['set_state', { key: 'k', value: 1 }],
    ],
    [
      ['label', '{"n":'],
      ['label', { n: 2 }],
    ],
    'done',
  ]
  const messages = Array.from({ length: 12 }, (_, index) => ({
    n: index + 1,
    message: { role: 'user', text: `m${index}` } as const,
  }))
  const turn = thinkingWith({
    offered: [...offered, ...builtin('set_state')],
    conversation: { summary: '', messages, upto: 0, last: 12 },
    window: { messages: 10, tokens: 1_000 },
  })
  const agent = { tools: [label] }

  it('anywhere ends as it would have, and asks no model twice for what is on record', async () => {
    const whole = thinkingCore(script)
    const expected = await whole.start(agent).turn(turn)
    expect(expected).toMatchObject({ t: 'completed', result: 'done' })
    for (const when of ['lost', 'recorded'] as const) {
      for (let n = 0; n < whole.calls.length; n += 1) {
        const core = thinkingCore(script)
        const first = core.start(agent)
        const died = first.cutAt(n, when)
        void first.turn(turn)
        await died
        const end = await core.start(agent).turn({ ...turn, recorded: [...core.recorded], crashed: true })
        expect(withoutIds(end), `${when} ${n}`).toEqual(withoutIds(expected))
        expect(core.asked, `${when} ${n}`).toHaveLength(whole.asked.length)
        expect(withoutIds(core.asked)).toEqual(withoutIds(whole.asked))
      }
    }
  })
})

/** Each script gives the calls of its model new ids. */
const withoutIds = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replace(/"id":"c\d+"/g, '"id":"c"'))

describe('tools of servers', () => {
  it.each<[string, object, RegExp]>([
    ['as its text', { content: 'seven' }, /^\| seven$/],
    ['with what it gives beside', { content: 'x', structured: { n: 7 } }, /"structured":{"n":7}/],
    [
      'as its failure',
      { content: 'no such file', is_error: true },
      /{"error":{"code":"TOOL_FAILED","message":"no such file"}}/,
    ],
  ])('are called by ring 0, and the model is told of a result %s', async (_what, result, told) => {
    const { asked, calls } = await turnOf([[['fs__read', { path: 'a' }]], 'done'], {
      offered: [{ name: 'fs__read' }],
      core: { answer: () => result },
    })
    expect(calls[1]).toMatchObject({ kind: 'server.tool', input: { name: 'fs__read', input: { path: 'a' } } })
    expect(asked[1]?.messages.at(-1)?.text.split('\n')[1]).toMatch(told)
  })
})
