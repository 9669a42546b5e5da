import { apiBase } from '@vigil/protocol'
import { beforeEach, expect, it } from 'vitest'
import { type FakeRuntime, fakeRuntime } from './fake-runtime.fixture.ts'
import { createHandler, type Handler } from './handler.ts'

let runtime: FakeRuntime
let handler: Handler
beforeEach(() => {
  runtime = fakeRuntime()
  handler = createHandler(runtime, { token: 'right' })
})

async function send(method: string, path: string, sent?: unknown, more: Record<string, string> = {}) {
  const headers = { authorization: 'Bearer right', 'content-type': 'application/json', ...more }
  const body = sent === undefined ? {} : { body: JSON.stringify(sent) }
  const reply = await handler(new Request(`http://localhost${apiBase}${path}`, { method, headers, ...body }))
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}

const limits = [{ per: 'day', kind: 'tool_calls', limit: 10, spent: 8, reserved: 1 }]

it('shows the budget of a process in snake_case', async () => {
  const paused = { since: 'then', owner: '@fleet', per: 'day', kind: 'model_calls', until: 'later' }
  expect((await send('GET', '/processes/watcher')).body).toMatchObject({
    budget: { revision: 4, on_exceeded: 'pause', limits, day: { usd: 2.5, tool_calls: 8 }, paused },
  })
})

it('adds up what all have spent', async () => {
  expect((await send('GET', '/spend')).body).toMatchObject({
    agents: [{ name: 'watcher', day: { usd: 2.5 }, turns: [{ turn: 't1', spent: { model_calls: 1 }, reserved: {} }] }],
    total: { reserved: { tool_calls: 1 } },
    models: [{ model: 'openai:gpt-5-mini', day: { model_calls: 2 }, month: { usd: 9 } }],
    fleet: { limits },
  })
})

it('tells what one agent and one turn have spent, and the days that are over', async () => {
  const days = [{ from: 'before', spent: { model_calls: 2 } }]
  expect((await send('GET', '/spend?process=watcher')).body).toMatchObject({ agents: [{ name: 'watcher', days }] })
  expect((await send('GET', '/processes/watcher')).body).toMatchObject({
    budget: { days: [{ from: 'before', spent: { usd: 1, model_calls: 2 } }] },
  })
  const taken = { spent: { usd: 2, tool_calls: 1 }, reserved: {} }
  expect(await send('GET', '/spend?process=watcher&turn=t1')).toEqual({
    status: 200,
    body: {
      ...{ process: 'watcher', turn: 't1', ...taken },
      calls: [{ key: 'k', kind: 'tool', tool: 'pay', at: 'then', ...taken }],
    },
  })
  const refused: readonly (readonly [string, number, string])[] = [
    ['?turn=t1', 400, 'INVALID_ARGUMENT'],
    ['?process=ghost', 404, 'PROCESS_NOT_FOUND'],
    ['?process=ghost&turn=t1', 404, 'PROCESS_NOT_FOUND'],
    ['?process=watcher&turn=t9', 404, 'TURN_NOT_FOUND'],
  ]
  for (const [query, status, code] of refused)
    expect(await send('GET', `/spend${query}`), query).toMatchObject({ status, body: { error: { code } } })
})

it('changes a budget, only if nobody was quicker', async () => {
  const path = '/processes/watcher/budget'
  const patch = { max_daily_cost: 5, max_daily_runs: null }
  expect(await send('PATCH', path, patch, { 'if-match': '"4"' })).toEqual({
    status: 200,
    body: { name: 'watcher', effective_from: 'now', revision: 5 },
  })
  await send('PATCH', path, patch)
  expect(runtime.calls).toEqual([
    ['changeBudget', patch, 4],
    ['changeBudget', patch, undefined],
  ])
  expect(await send('PATCH', path, patch, { 'if-match': 'four' })).toMatchObject({
    status: 400,
    body: { error: { code: 'INVALID_ARGUMENT' } },
  })
})

it('grants dollars', async () => {
  expect((await send('POST', '/processes/watcher/budget/grants', { usd: 2.5 })).status).toBe(200)
  expect(runtime.calls).toEqual([['grantBudget', 2.5]])
  expect((await send('POST', '/processes/watcher/budget/grants', { usd: 'all' })).status).toBe(422)
})

it('confirms the clock, with the name of who said it', async () => {
  expect(await send('POST', '/runtime/confirm-clock', {})).toEqual({ status: 200, body: { confirmed: true } })
  expect(runtime.calls).toEqual([['confirmClock', 'operator']])
})
