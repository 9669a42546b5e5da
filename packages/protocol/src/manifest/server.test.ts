import { expect, test } from 'vitest'
import { checkManifest } from './problems.ts'

const check = (servers: unknown): string[] => {
  const found = checkManifest({ name: 'a', entrypoint: './a.ts', servers })
  return found.ok ? [] : found.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

test('a server is a URL or a program', () => {
  expect(
    check({
      github: {
        url: 'https://mcp.example.com/mcp',
        headers: { authorization: 'Bearer ${TOKEN}' },
        tools: ['issue_read', 'add_*'],
      },
      fs: { command: 'npx', args: ['-y', 'server'], env: { ROOT: '/data', KEY: '${KEY}' } },
    }),
  ).toEqual([])
})

test('what is half of one, or both, is refused at its place', () => {
  expect(check({ a: {} })).toEqual([expect.stringContaining('servers.a: expected a server: url')])
  expect(check({ a: { url: 'https://a', command: 'b' } })).toEqual([expect.stringContaining('servers.a')])
  expect(check({ a: { url: 'https://a', args: [] } })).toEqual([
    'servers.a.args: expected command beside it, found url',
  ])
  expect(check({ a: { command: 'b', headers: {} } })).toEqual([
    'servers.a.headers: expected url beside it, found command',
  ])
  expect(check({ a: { url: 'ftp://a' } })[0]).toContain('servers.a.url: expected a URL')
  expect(check({ a: { url: 'https://me:pw@a' } })[0]).toContain('without a user name')
  expect(check({ a: { command: 7 } })[0]).toContain('servers.a.command: expected the name or path of a program')
  expect(check({ a: { command: 'b', args: [7] } })[0]).toContain('servers.a.args.0: expected a text')
  expect(check({ a__b: { command: 'b' } })[0]).toContain('expected a name of letters')
  expect(check({ a_: { command: 'b' } })[0]).toContain('expected a name of letters')
})

test('what a header carries is a reference, and shown to nobody', () => {
  const [problem = ''] = check({ a: { url: 'https://a', headers: { Authorization: 'Bearer hunter2' } } })
  expect(problem).toContain('expected a reference such as "Bearer ${TOKEN}"')
  expect(check({ a: { url: 'https://a', headers: { Authorization: 'Bearer hünter' } } }).join()).not.toContain('hünter')
  expect(check({ a: { url: 'https://a', headers: { 'Mcp-Session-Id': 'x' } } })[0]).toContain('does not set itself')
})
