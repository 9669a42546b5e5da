import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from './program.ts'

let stdin = ''
const run = (...argv: string[]) => runAs({}, ...argv)

const runAs = async (rest: { signal?: AbortSignal }, ...argv: string[]) => {
  const lines: string[] = []
  const face = {
    env: {},
    cwd: '/nowhere',
    read: () => undefined,
    stdin: async () => stdin,
    print: (line: string) => void lines.push(line),
    signal: AbortSignal.abort(),
    ...rest,
  }
  return { code: await runCommand(argv, face), lines }
}

/** A supervisor of one canned reply, which remembers what was asked. */
async function answering(body: unknown) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`)
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close }
}

it('tree prints what the supervisor says', async () => {
  const view = { tree: [{ kind: 'agent', name: 'a', state: 'running', restart: 'permanent', restarts: 0 }] }
  await using supervisor = await answering(view)
  expect(await run('--url', supervisor.url, 'tree')).toEqual({ code: 0, lines: ['a  running, permanent'] })
  expect((await run('--url', supervisor.url, 'tree', '--json')).lines).toEqual([JSON.stringify(view)])
  expect(supervisor.asked[0]).toMatch(/\/api\/v1\/tree$/)
})

it('ps asks for the label and prints a table, or JSON', async () => {
  await using supervisor = await answering({ processes: [], total: 0 })
  const table = await run('--url', supervisor.url, '--token', 't', 'ps', '-l', 'team=data')
  expect(table).toEqual({ code: 0, lines: ['NAME  STATE  RESTARTS  WAITING  DONE  DEAD  LAST EXIT'] })
  expect(supervisor.asked).toEqual(['Bearer t /api/v1/processes?label=team%3Ddata'])
  expect((await run('--url', supervisor.url, 'ps', '--json')).lines).toEqual(['{"processes":[],"total":0}'])
})

it('journal show and tail ask for what the flags say', async () => {
  await using supervisor = await answering({
    entries: [{ n: 2 }, { n: 1 }].map((entry) => ({ ...entry, at: '', type: 'x', data: {} })),
    next: null,
  })
  const numbers = async (verb: string) =>
    (await run('--url', supervisor.url, '--json', 'journal', verb, 'a', '--limit', '5', '--type', 'x')).lines
  expect(JSON.parse((await numbers('show'))[0] ?? '').entries.map(({ n }: { n: number }) => n)).toEqual([2, 1])
  expect((await numbers('tail')).map((line) => JSON.parse(line).n)).toEqual([1, 2])
  expect(supervisor.asked.map((line) => line.split('?')[1])).toEqual(['type=x&limit=5', 'type=x&limit=5'])
})

it('takes bodies away', async () => {
  await using supervisor = await answering({ removed: 2 })
  const { lines } = await run('--url', supervisor.url, 'purge', 'a')
  expect(lines).toEqual(['2 bodies of a are gone; their hashes stay in the journal'])
  expect(supervisor.asked).toEqual(['undefined /api/v1/processes/a/purge'])
})

it('run gives an event, and with --wait waits on under one key and prints the end', async () => {
  const accepted = { event_id: 'e1', accepted: true, duplicate: false }
  await using supervisor = await answering(accepted)
  const { lines } = await run('--url', supervisor.url, 'run', 'a', '--payload', '{"x":1}')
  expect([lines, supervisor.asked]).toEqual([['event e1 is accepted'], ['undefined /api/v1/processes/a/events']])
  await expect(run('--url', supervisor.url, 'run', 'a', '--payload', '{x')).rejects.toMatchObject({
    code: 'INVALID_JSON',
  })
  await expect(run('--url', supervisor.url, 'run', 'a', '--payload', '@x.json')).rejects.toMatchObject({
    message: 'expected a file /nowhere/x.json, found none',
  })
  // A signal that came means that nobody waits any more.
  await expect(run('--url', supervisor.url, 'run', 'a', '--wait')).rejects.toMatchObject({ code: 'ABORTED' })
})

it.each([
  [{ status: 'completed', result: { y: 2 } }, 0, '{\n  "y": 2\n}'],
  [{ status: 'dead_lettered', error: { code: 'X', message: 'no' } }, 1, 'turn t1 ended as dead_lettered: X: no'],
  [{ status: 'cancelled', reason: 'enough' }, 1, 'turn t1 ended as cancelled: enough'],
])('run --wait: %j ends with %i', async (end, code, line) => {
  await using supervisor = await answering({ event_id: 'e1', turn: 't1', ...end })
  const waiting = new AbortController().signal
  expect(await runAs({ signal: waiting }, '--url', supervisor.url, 'run', 'a', '--wait')).toEqual({
    code,
    lines: [line],
  })
  expect(supervisor.asked).toEqual(['undefined /api/v1/processes/a/events?wait=60000ms'])
})

it('adds, removes and fires triggers', async () => {
  await using supervisor = await answering({ trigger_id: 't', accepted: false, reason: 'filter' })
  const said = async (...argv: string[]) => (await run('--url', supervisor.url, 'triggers', ...argv)).lines
  expect(await said('add', 'a', 'event: x')).toEqual(['t listens'])
  expect(await said('rm', 'a', 't')).toEqual(['t listens no more'])
  expect(await said('fire', 'a', 't')).toEqual(['the trigger did not take it: filter'])
  const path = '/api/v1/processes/a/triggers'
  expect(supervisor.asked).toEqual([path, `${path}/t`, `${path}/t/fire`].map((each) => `undefined ${each}`))
})

it('lists what waits for people, and says what they say', async () => {
  const request = { id: 'r1', kind: 'approval', process: 'a', at: 'then', deadline: 'later', on_timeout: 'deny' }
  const asked = { ...request, asked: { action: 'pay', details: { n: 1 } } }
  await using supervisor = await answering({ requests: [asked], id: 'r1' })
  const said = async (...argv: string[]) => (await run('--url', supervisor.url, ...argv)).lines
  expect((await said('requests', 'a', '--kind', 'approval'))[1]).toBe(
    'r1  approval  a        then   later  deny  pay {"n":1}',
  )
  expect(await said('approve', 'r1', '--edits', '{"n":2}')).toEqual(['r1 is approved; its turn goes on'])
  expect(await said('deny', 'r1', '--reason', 'no')).toEqual(['r1 is denied; its turn goes on'])
  expect(await said('answer', 'r1', 'red')).toEqual(['r1 is answered; its turn goes on'])
  const path = '/api/v1/requests'
  const paths = [`${path}?process=a&kind=approval`, `${path}/r1`, `${path}/r1`, path, `${path}/r1`]
  expect(supervisor.asked.map((each) => each.split(' ')[1])).toEqual(paths)
})

it.each([
  [['fly'], "unknown command 'fly'"],
  [['journal', 'show'], "missing required argument 'name'"],
  [['--url', 'http://127.0.0.1:1', 'journal', 'show', 'a', '1'], '--url: this reads files'],
  [['--url', 'http://127.0.0.1:1', 'journal', 'repair'], '--url: this reads files'],
  [['journal', 'show', 'a', '--limit', '0'], '--limit: expected a whole number from 1 to 1000, found "0"'],
])('refuses %j', async (argv, message) => {
  await expect(run(...argv)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  })
})

it('says who does not answer', async () => {
  await expect(run('--url', 'http://127.0.0.1:1', 'ps')).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

it('budget asks for one turn', async () => {
  const view = { process: 'a', turn: 't1', spent: { usd: 2 }, reserved: {}, calls: [] }
  await using supervisor = await answering(view)
  const told = await run('--url', supervisor.url, 'budget', 'a', '--turn', 't1')
  expect(told.lines).toEqual(['turn t1 of a: $2 spent, nothing reserved'])
  expect(supervisor.asked[0]).toMatch(/\/api\/v1\/spend\?process=a&turn=t1$/)
  const both = run('--url', supervisor.url, 'budget', 'a', 'grant', '5', '--turn', 't1')
  await expect(both).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

it('budget asks, changes and grants', async () => {
  const sent: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    sent.push(`${request.method} ${request.url} ${body}`)
    response.end(JSON.stringify({ name: 'a', effective_from: 'now', revision: 3 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = ['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  try {
    const set = await run(...at, 'budget', 'a', 'set', 'max_daily_cost=2.5', 'on_exceeded=stop', 'max_daily_runs=')
    expect(set.lines).toEqual(['the budget of a is changed, revision 3'])
    expect((await run(...at, 'budget', 'a', 'grant', '5')).lines).toEqual([
      'a has $5 more for the hour, day and month that are now',
    ])
    expect(sent).toEqual([
      'PATCH /api/v1/processes/a/budget {"max_daily_cost":2.5,"on_exceeded":"stop","max_daily_runs":null}',
      'POST /api/v1/processes/a/budget/grants {"usd":5}',
    ])
    for (const wrong of [['set'], ['set', 'much'], ['grant', 'much'], ['grant'], ['take', '5']])
      await expect(run(...at, 'budget', 'a', ...wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

it('secrets: the value comes on stdin, and what is said of them holds none', async () => {
  const sent: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    sent.push(`${request.method} ${request.url} ${body}`)
    const secret = { name: 'api', source: 'variable', where: 'API_KEY', version: 2, kept: 'memory' }
    response.end(JSON.stringify({ ...secret, value: 'whsec_made', secrets: [secret], revoked: [secret] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = ['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'secrets']
  stdin = 'hunter2\n'
  try {
    expect((await run(...at, 'set', 'a', 'api', '--ttl', '1h')).lines).toEqual([
      'api of a is set, version 2; it is in memory alone and gone when the supervisor ends',
    ])
    expect((await run(...at, 'ls', 'a')).lines[1]).toMatch(/^api +variable API_KEY +2 +memory +- +never$/)
    expect((await run(...at, 'reveal', 'a', 'hook:/x')).lines).toEqual(['whsec_made'])
    const revoked = 'api of a is revoked; the variable API_KEY still holds it'
    expect((await run(...at, 'revoke', 'a', 'api')).lines).toEqual([revoked])
    expect((await run(...at, 'revoke', 'a', '--all')).lines).toEqual([revoked])
    const path = '/api/v1/processes/a/secrets'
    expect(sent).toEqual([
      `PUT ${path}/api?ttl=1h hunter2`,
      `GET ${path} `,
      `POST ${path}/hook%3A%2Fx/reveal {}`,
      `DELETE ${path}/api `,
      `DELETE ${path} `,
    ])
    stdin = '\n'
    for (const wrong of [
      ['set', 'a', 'api'],
      ['revoke', 'a'],
      ['revoke', 'a', 'api', '--all'],
    ])
      await expect(run(...at, ...wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  } finally {
    stdin = ''
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

it('memory lists, searches and forgets', async () => {
  const entry = { id: 'm-1', text: 'a\n  long   text '.repeat(10), tags: ['x', 'y'], at: 'then', by: 'b', score: 1.5 }
  await using supervisor = await answering({
    id: 'm-1',
    enabled: false,
    total: 2,
    bytes: 9,
    entries: [entry],
    next: 'c',
  })
  const at = ['--url', supervisor.url, '--token', 't', 'memory', 'a']
  const { lines } = await run(...at, 'search', 'two', 'words', '--limit', '1', '--cursor', 'b')
  expect(lines[0]).toBe('a remembers 2 entries; its manifest has no memory, so its agent sees none of them')
  expect(lines[2]).toMatch(/^m-1 {2}then {2}b {3}1.50 {3}x,y {3}a long text a .{80,90}\.\.\.$/)
  expect(lines[3]).toBe('more: --cursor c')
  await run(...at)
  expect((await run(...at, 'forget', 'm-1')).lines).toEqual(['m-1 of a is forgotten'])
  const base = 'Bearer t /api/v1/processes/a/memory'
  expect(supervisor.asked).toEqual([`${base}?limit=1&cursor=b&q=two+words`, `${base}?limit=20`, `${base}/m-1`])
  for (const wrong of [['search'], ['forget'], ['forget', 'm-1', 'm-2'], ['drop', 'm-1']])
    await expect(run(...at, ...wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

it('doctor looks at the machine when no supervisor answers, and that alone is no illness', async () => {
  const data = mkdtempSync(join(tmpdir(), 'vigil-doctor-'))
  try {
    const { code, lines } = await run('--url', 'http://127.0.0.1:9', '--data', data, 'doctor')
    const words = lines.map((line) => line.split(/\s+/).slice(0, 2).join(' '))
    expect(words.slice(0, 6)).toEqual(['ok node', 'ok data', 'ok disk', '-- token', '-- vault', '-- supervisor'])
    expect(code).toBe(0)
    writeFileSync(join(data, 'file'), '')
    const missing = await run('--url', 'http://127.0.0.1:9', '--data', join(data, 'file'), '--json', 'doctor')
    expect(JSON.parse(missing.lines[0] ?? '').checks).toContainEqual(
      expect.objectContaining({ what: 'data', state: 'bad' }),
    )
    expect(missing.code).toBe(1)
  } finally {
    rmSync(data, { recursive: true })
  }
})
