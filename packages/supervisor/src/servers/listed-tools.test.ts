import { expect, test } from 'vitest'
import { listedTools } from './listed-tools.ts'

const named = (name: string) => ({ name, inputSchema: { type: 'object' } })

test('only what is wanted is taken, under both names, and what it says of harm', () => {
  const found = [
    {
      ...named('issue_read'),
      description: 'x'.repeat(5_000),
      annotations: { readOnlyHint: true, destructiveHint: true },
    },
    { ...named('add_label'), annotations: { destructiveHint: true } },
    { ...named('drop'), annotations: { idempotentHint: true } },
  ]
  const { tools, left } = listedTools('github', found, ['issue_read', 'add_*'])
  expect(left).toEqual([])
  expect(tools).toEqual([
    {
      name: 'github__issue_read',
      description: 'x'.repeat(4_000),
      parameters: { type: 'object' },
      once: true,
      idempotent: true,
      read_only: true,
    },
    { name: 'github__add_label', parameters: { type: 'object' }, once: true, destructive: true },
  ])
  expect(listedTools('github', found).tools[2]).toMatchObject({ name: 'github__drop', idempotent: true })
})

test('what nobody could call, is too large or comes twice is left out with the reason', () => {
  const large = { name: 'large', inputSchema: { type: 'object', description: 'x'.repeat(70_000) } }
  const { tools, left } = listedTools('s', [named('a.b'), large, named('twice'), named('twice')])
  expect(tools.map(({ name }) => name)).toEqual(['s__twice'])
  expect(left).toEqual([
    expect.stringContaining('a.b: its name'),
    expect.stringMatching(/^large: its schema has \d+ bytes/),
    'twice: listed twice',
  ])
})

test('a server with too many tools gives the first of them', () => {
  const many = Array.from({ length: 250 }, (_, n) => named(`tool_${n}`))
  const { tools, left } = listedTools('s', many)
  expect(tools).toHaveLength(200)
  expect(left).toHaveLength(50)
  expect(left[0]).toContain('choose by servers.s.tools')
})
