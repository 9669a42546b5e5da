import type { ModelMessage, ModelRequest, SimRule } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { simulatedReply } from '../simulated.ts'

const fenced = (label: string, value: unknown): string =>
  `<data 4829 6635 7294 8853 ${label}>\n| ${JSON.stringify(value)}\n</data 4829 6635 7294 8853>`
const event: ModelMessage = {
  role: 'user',
  text: `An event has come.\n${fenced('payload', { issue: { number: 7, title: 'It hangs' } })}\n${fenced('metadata', { by: 'bo' })}`,
}
const asked = (name: string, id = 'c1'): ModelMessage => ({
  role: 'assistant',
  text: '',
  calls: [{ id, name, arguments: '{}' }],
})
const given = (value: unknown, id = 'c1'): ModelMessage => ({ role: 'tool', id, text: fenced('result of x', value) })
const request = (...messages: ModelMessage[]): ModelRequest => ({
  model: 'sim:rules',
  messages: [{ role: 'system', text: 'Be good.' }, ...messages],
  tools: [{ name: 'search' }],
  max_output_tokens: 100,
  purpose: 'turn',
})
const reply = (name: string, rules: readonly SimRule[], asks: ModelRequest, place = 0) =>
  simulatedReply({ name, rules, place, seed: 's' }, asks)

describe('sim:rules', () => {
  const rules: SimRule[] = [
    {
      when: "role == 'tool' and tool == 'search' and len(result.hits) == 0",
      text: 'Nothing about {{ payload.issue.title }}.',
    },
    {
      when: "'search' in called and 'note' not in called",
      tools: [{ tool: 'note', input: { found: '{{ results.search.hits[0] }}' } }],
    },
    {
      when: "role == 'user' and payload.issue.number > 5",
      tool: 'search',
      input: { words: 'issue {{payload.issue.number}}', all: '{{ payload.issue }}' },
    },
    { when: 'step == 2', text: 'done' },
  ]

  test('a rule sees the event, and fills what it says with it', () => {
    expect(reply('rules', rules, request(event))).toMatchObject({
      calls: [
        { id: 'call_0_0', name: 'search', arguments: '{"words":"issue 7","all":{"number":7,"title":"It hangs"}}' },
      ],
      finish: 'tools',
      simulated: true,
      usd: 0,
    })
  })

  test('the first that fits answers: by the result of a tool, and by what was called before', () => {
    const none = reply('rules', rules, request(event, asked('search'), given({ hits: [] })))
    expect(none).toMatchObject({ text: 'Nothing about It hangs.', calls: [], finish: 'stop' })
    const some = reply('rules', rules, request(event, asked('search'), given({ hits: ['a', 'b'] })), 1)
    expect(some.calls).toEqual([{ id: 'call_1_0', name: 'note', arguments: '{"found":"a"}' }])
    const after = request(event, asked('search'), given({ hits: ['a'] }), asked('note', 'c2'), given('ok', 'c2'))
    expect(reply('rules', rules, after).text).toBe('done')
  })

  test('what was called in earlier turns does not count', () => {
    expect(reply('rules', rules, request(asked('search'), given({ hits: [] }), event)).calls[0]?.name).toBe('search')
  })

  test('no rule that fits is an error that shows what was said', () => {
    const lost = () => reply('rules', rules, request({ role: 'user', text: 'hello' }))
    expect(lost).toThrow('none of 4 rules of sim:rules fits; the last message is of role user: "hello"')
  })
})

test('sim:script says one entry after the other, and nothing behind the last', () => {
  const script: SimRule[] = [{ tool: 'search' }, { text: 'done', when: "role == 'tool'" }]
  expect(reply('script', script, request(event)).calls[0]).toMatchObject({ name: 'search', arguments: '{}' })
  expect(reply('script', script, request(event, asked('search'), given(1)), 1).text).toBe('done')
  expect(() => reply('script', script, request(event), 1)).toThrow('entry 2 of sim:script does not fit')
  expect(() => reply('script', script, request(event), 2)).toThrow('has 2 entries, and the model is asked once more')
})

test('a summary needs no rule', () => {
  expect(reply('rules', [{ text: 'x' }], { ...request(event), purpose: 'summary' }).text).toBe(
    'A summary of 2 messages.',
  )
})

test('chaos does the same for one seed, and over many all that it can do', () => {
  const kinds = new Set<string>()
  for (let seed = 0; seed < 300; seed += 1) {
    const once = (): string => {
      try {
        const { text, calls, finish } = simulatedReply(
          { name: 'chaos', rules: [], place: 0, seed: `${seed}` },
          request(event),
        )
        return calls[0] === undefined ? `${finish} ${text.length > 0}` : `${calls[0].name} ${calls[0].arguments}`
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(once()).toBe(once())
    kinds.add(once())
  }
  expect([...kinds].sort()).toEqual([
    'MODEL_MALFORMED',
    'MODEL_RATE_LIMITED',
    'MODEL_TIMEOUT',
    'MODEL_UNAVAILABLE',
    'length true',
    'no_such_tool {}',
    'search ["no", "object"]',
    'search {"half": ',
    'search {}',
    'stop false',
    'stop true',
  ])
})

test('another name is no simulated model', () => {
  expect(() => reply('gpt-5', [], request(event))).toThrow('expected a simulated model')
})
