import type { ModelsView, ProcessView, RuntimeStatusView } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { doctorLines, fleetChecks, isWell } from './doctor-checks.ts'

const status = {
  ...{ ready: true, data: '/d', disk: 'ok', processes: { total: 2, by_state: {} } },
} as unknown as RuntimeStatusView
const process = (rest: Partial<ProcessView>): ProcessView =>
  ({
    name: 'a',
    state: 'running',
    isolation: 'thread',
    guarantee: 'fault isolation',
    attention: [],
    ...rest,
  }) as ProcessView
const models: ModelsView = {
  prices_of: '2026-11-27',
  models: [
    { model: 'openai:gpt-5-mini', processes: ['a', 'b'], simulated: false, price: { input: 0.25, output: 2 } },
    { model: 'sim:echo', processes: ['c'], simulated: true, price: { input: 0, output: 0 } },
    { model: 'ollama:llama3.2', processes: ['d'], simulated: false, price: { input: 0, output: 0 } },
  ],
  providers: [{ name: 'openai', base_url: 'https://x/v1', key: 'set', reached: true }],
}

it('says that all is well, which models are simulated and what the others cost', () => {
  const checks = fleetChecks({ status, processes: [process({}), process({ name: 'b' })], models })
  expect(doctorLines(checks)).toEqual([
    'ok  supervisor         2 processes, data /d',
    'ok  isolation          thread: fault isolation',
    'ok  openai:gpt-5-mini  for a, b: $0.25 in, $2 out for a million tokens',
    '--  sim:echo           for c: simulated, no model thinks',
    'ok  ollama:llama3.2    for d: free',
    'ok  openai             https://x/v1: its key is set, and it answers',
    'ok  prices             of 2026-11-27',
    '',
    'nothing keeps anything from running',
  ])
  expect(isWell(checks)).toBe(true)
})

it.each([
  [{ status: { ...status, ready: false, disk: 'full' as const } }, 'takes nothing new; its disk is full'],
  [{ status: { ...status, damaged: [{ segment: '1.jsonl', offset: 7 }] } }, '1.jsonl is damaged at byte 7'],
  [{ processes: [process({ state: 'failed', parked: 'it died' })] }, 'has failed: it died'],
  [{ processes: [process({ attention: [{ what: 'runs nothing: no key', since: 'then' }] })] }, 'runs nothing: no key'],
  [
    { models: { ...models, models: [{ model: 'x:y', processes: ['a'], simulated: false, problem: 'no provider x' }] } },
    'for a: no provider x',
  ],
  [
    {
      models: {
        ...models,
        providers: [{ name: 'groq', base_url: 'https://g', key: 'set' as const, problem: 'refused' }],
      },
    },
    'https://g: refused',
  ],
])('%j keeps something from running', (rest, words) => {
  const checks = fleetChecks({ status, processes: [], models: { ...models, models: [], providers: [] }, ...rest })
  expect(
    checks
      .filter(({ state }) => state === 'bad')
      .map((check) => check.words)
      .join(),
  ).toContain(words)
  expect(isWell(checks)).toBe(false)
})

it('what only waits for a person is no illness', () => {
  const waiting = process({ attention: [{ what: 'waits for an approval', since: 'then' }] })
  expect(isWell(fleetChecks({ status, processes: [waiting], models }))).toBe(true)
})
