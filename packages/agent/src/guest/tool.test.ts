import { describe, expect, it } from 'vitest'
import { guestTools } from './tool.ts'

const run = () => 1

describe('what a module says of its tools', () => {
  it('is told once, in the words of the wire', () => {
    const tools = guestTools([
      {
        name: 'pay',
        description: 'pays',
        parameters: { type: 'object' },
        irreversible: true,
        needsApproval: true,
        timeoutMs: 5,
        cost: 0.5,
        run,
        reconcile: () => ({ done: false }),
      },
      { name: 'sum', run },
    ])
    expect([...tools.values()].map(({ declaration }) => declaration)).toEqual([
      {
        name: 'pay',
        description: 'pays',
        parameters: { type: 'object' },
        irreversible: true,
        needs_approval: true,
        reconcile: true,
        timeout_ms: 5,
        cost: 0.5,
      },
      { name: 'sum' },
    ])
  })

  it('has the JSON Schema of a library that can say it', async () => {
    const input = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'no', path: ['a', { key: 0 }] }] }),
        jsonSchema: { input: ({ target }: { target: string }) => ({ $comment: target, type: 'object' }) },
      },
    }
    const tool = guestTools([{ name: 'add', input, run }]).get('add')
    expect(tool?.declaration.parameters).toEqual({ $comment: 'draft-2020-12', type: 'object' })
    expect(await tool?.check({ a: 'x' })).toEqual({ problems: [{ path: 'input.a.0', message: 'no' }] })
  })

  it.each<[string, unknown]>([
    ['expected tools to be a list', {}],
    ['tools[0]: expected a name of letters', [{ run }]],
    ['tools[0]: expected a name of letters', [{ name: 'a b', run }]],
    ['expected a function run', [{ name: 'a' }]],
    [
      'expected one tool of the name "a"',
      [
        { name: 'a', run },
        { name: 'a', run },
      ],
    ],
    ['expected timeoutMs above 0', [{ name: 'a', run, timeoutMs: 0 }]],
    ['expected a cost in US dollars', [{ name: 'a', run, cost: -1 }]],
    ['idempotent goes with once', [{ name: 'a', run, idempotent: true }]],
    ['reconcile goes with once', [{ name: 'a', run, reconcile: run }]],
    ['give one', [{ name: 'a', run, once: true, idempotent: true, reconcile: run }]],
    ['give one', [{ name: 'a', run, input: {}, parameters: {} }]],
    ['expected input to be a schema', [{ name: 'a', run, input: {} }]],
    ['parameters: expected a JSON Schema, found at #: ', [{ name: 'a', run, parameters: { minimun: 1 } }]],
  ])('that is wrong is refused: %s', (said, tools) => {
    expect(() => guestTools(tools)).toThrow(
      expect.objectContaining({ code: 'BUNDLE_FAILED', message: expect.stringContaining(said) }),
    )
  })
})
