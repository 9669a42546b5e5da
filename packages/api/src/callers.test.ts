import { createHash } from 'node:crypto'
import { apiBase, type Role, type Route, type RouteId, roleFor, roles, routes } from '@vigil/protocol'
import { beforeEach, expect, it } from 'vitest'
import { type FakeRuntime, fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler, type Handler } from './handler.ts'

const tokenOf = (name: string, role: Role, select = {}) => {
  const hash = createHash('sha256').update(name).digest('hex')
  return { name, role, select, hash }
}
const tokens = [
  ...roles.map((role) => tokenOf(role, role)),
  tokenOf('data', 'operator', { team: 'data' }),
  tokenOf('foreign', 'admin', { team: 'ops' }),
]

let runtime: FakeRuntime
let handler: Handler
beforeEach(() => {
  runtime = fakeRuntime()
  handler = createHandler(runtime, { token: 'right', tokens })
})

async function send(method: string, path: string, token: string, sent?: unknown) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = sent === undefined ? {} : { body: JSON.stringify(sent) }
  const reply = await handler(new Request(`http://localhost${apiBase}${path}`, { method, headers, ...body }))
  return (await reply.json()) as Record<string, unknown> & { error?: { code: string; message: string } }
}

const table = Object.entries(routes) as [RouteId, Route][]
const pathOf = ({ path }: Route) =>
  path
    .replace('{name}', 'watcher')
    .replace('{topic}', 'orders.new')
    .replace(/\{\w+\}/g, 'some')

it.each(table)('%s wants the role of the table', async (_, route) => {
  const least = roleFor(route)
  for (const role of roles) {
    const { error } = await send(route.method, pathOf(route), role)
    const may = route.public === true || roles.indexOf(role) >= roles.indexOf(least)
    expect([role, error?.code === 'ROLE_DENIED']).toEqual([role, !may])
  }
})

it.each(table)('%s shows a token nothing that it does not select', async (_, route) => {
  const { error, ...shown } = await send(route.method, pathOf(route), 'foreign')
  expect(runtime.calls.filter(([call]) => call !== 'requests')).toEqual([])
  expect(JSON.stringify(shown)).not.toContain('watcher')
  const hidden = /\{(name|topic|id)\}|confirm-clock/.test(route.path)
  expect(error !== undefined).toBe(hidden)
})

it('a token sees no spending of a process that it does not select', async () => {
  for (const query of ['?process=watcher', '?process=watcher&turn=t1'])
    expect(await send('GET', `/spend${query}`, 'foreign')).toMatchObject({ error: { code: 'PROCESS_NOT_FOUND' } })
  expect(await send('GET', '/spend?process=watcher', 'data')).toMatchObject({ agents: [{ name: 'watcher' }] })
})

it('a token that selects sees what it selects', async () => {
  expect(await send('GET', '/processes', 'data')).toMatchObject({ total: 1 })
  expect(await send('GET', '/tree', 'data')).toMatchObject({ tree: [{ children: [{ name: 'watcher' }] }] })
  expect(await send('POST', '/bus/orders', 'data')).toMatchObject({ error: { code: 'ROLE_DENIED' } })
})

it('says who may, and knows no token that is none', async () => {
  const { error } = await send('POST', '/processes/watcher/stop', 'reader')
  expect(error?.message).toBe('expected an operator or admin, found the reader "reader"')
  const hash = tokens[2]?.hash ?? ''
  for (const wrong of ['', 'admi', 'admin2', hash])
    expect((await send('GET', '/processes', wrong)).error?.code).toBe('UNAUTHORIZED')
})

it('shows what waits for people and takes a word on it, with the name of who said it', async () => {
  expect(await send('GET', '/requests?kind=approval&process=watcher', 'reader')).toEqual({
    requests: [
      {
        ...{ id: 'r1', process: 'watcher', turn: 't1', event_id: 'e1', kind: 'approval', at: 'then' },
        ...{ asked: { action: 'pay' }, deadline: 'later', on_timeout: 'deny', input_hash: 'h', approvers: [] },
      },
    ],
  })
  expect(await send('GET', '/approvals', 'reader')).toMatchObject({ requests: [{ id: 'r1' }] })
  expect((await send('GET', '/requests?kind=wish', 'reader')).error?.code).toBe('INVALID_ARGUMENT')
  await send('POST', '/requests/r1', 'right', { decision: 'approve', edits: { aB: 1 }, reason: 'fine' })
  await send('POST', '/approvals/r1', 'data', { answer: 'red' })
  expect(runtime.calls.filter(([call]) => call === 'decide')).toEqual([
    ['decide', 'r1', { decision: 'approve', edits: { aB: 1 }, reason: 'fine' }, 'operator'],
    ['decide', 'r1', { answer: 'red' }, 'data'],
  ])
  expect((await send('POST', '/requests/r1', 'right', { decision: 'maybe' })).error?.code).toBe('INVALID_CONFIG')
})
