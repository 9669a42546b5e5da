import type { EntryView, ExitCause, ProcessView } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { budgetLines, spendLines, turnSpendLines } from './budget-lines.ts'
import { findConnection } from './connection.ts'
import { exitWords } from './exit-words.ts'
import { follow } from './journal-follow.ts'
import { statusLines } from './status-lines.ts'
import { entryLines, processTable } from './tables.ts'

it.each<[ExitCause, string]>([
  [{ kind: 'normal' }, 'normal'],
  [{ kind: 'shutdown' }, 'shutdown'],
  [{ kind: 'error', message: 'boom\nat x' }, 'error: boom'],
  [{ kind: 'error', message: 'x'.repeat(80) }, `error: ${'x'.repeat(57)}...`],
  [{ kind: 'exit_code', code: 3 }, 'exit code 3'],
  [{ kind: 'signal', signal: 'SIGKILL' }, 'signal SIGKILL'],
  [{ kind: 'memory', used_mb: 300.7, limit_mb: 128 }, 'memory 301 of 128 MB'],
  [{ kind: 'start_timeout', after_ms: 10_000 }, 'not up after 10 s'],
  [{ kind: 'heartbeat_lost', silent_ms: 1_234 }, 'heartbeat lost after 1.2 s'],
  [{ kind: 'wedged', stopped_after_ms: 5_000 }, 'wedged, killed after 5 s'],
  [{ kind: 'cell_lost' }, 'cell lost'],
  [{ kind: 'cell_forged', hint: 'x' }, 'cell forged a message'],
  [{ kind: 'failures', count: 3 }, '3 failures in a row'],
])('%j', (cause, words) => {
  expect(exitWords(cause)).toBe(words)
})

const view = (fields: Partial<ProcessView>) =>
  ({
    name: 'a',
    state: 'running',
    restarts: 0,
    mailbox: { waiting: 0, dead_letters: 0 },
    counters: { completed: 0 },
    ...fields,
  }) as ProcessView

it('lists processes in columns', () => {
  const rows = [
    view({
      name: 'watcher',
      restarts: 12,
      counters: { completed: 345 } as never,
      last_exit: { at: '', cause: { kind: 'exit_code', code: 3 } },
    }),
    view({ state: 'failed', parked: 'too many restarts' }),
    view({ name: 'b', residency: 'hibernated' }),
  ]
  expect(processTable(rows)).toEqual([
    'NAME     STATE            RESTARTS  WAITING  DONE  DEAD  LAST EXIT',
    'watcher  running          12        0        345   0     exit code 3',
    'a        failed           0         0        0     0     -, parked: too many restarts',
    'b        running, asleep  0         0        0     0     -',
  ])
})

it('shows a record in one line', () => {
  expect(
    entryLines([{ n: 7, at: '2026-01-01T00:00:00.000Z', type: 'turn.completed', turn: 't1', data: { result: 1 } }]),
  ).toEqual(['     7  2026-01-01T00:00:00.000Z  turn.completed          t1  {"result":1}'])
})

it('follows a journal: each record once, oldest first, over any number of pages', async () => {
  let newest = 5
  const journal = async (
    _: string,
    { limit = 0, before, after }: { limit?: number; before?: string; after?: string } = {},
  ) => {
    const size = Math.min(limit, 4)
    const all = Array.from({ length: newest }, (_, index) => ({ n: newest - index }) as EntryView)
    const entries = all
      .filter(({ n }) => n > Number(after ?? 0) && n < Number(before ?? Number.POSITIVE_INFINITY))
      .slice(0, size)
    return { entries, next: entries.length < size ? null : String(entries.at(-1)?.n) }
  }
  const rounds = [15, 15, 16]
  const again = async () => {
    newest = rounds.shift() ?? 0
    return newest > 0
  }
  const seen: number[] = []
  for await (const { n } of follow({ journal }, { name: 'a', query: {}, limit: 2, again })) seen.push(n)
  expect(seen).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
})

const files: Record<string, string> = {
  '/me/.vigil/endpoint.json': '{"url":"http://127.0.0.1:1","pid":1}',
  '/me/.vigil/token': 'kept\n',
  '/d/endpoint.json': '{"url"',
}
const find = (flags: object, env: Record<string, string> = {}) =>
  findConnection(flags, { env, cwd: '/me', read: (path) => files[path] })

it('finds the supervisor of the data directory', () => {
  expect(find({})).toEqual({ url: 'http://127.0.0.1:1', token: 'kept' })
  expect(find({ url: 'http://x:2', token: 't' })).toEqual({ url: 'http://x:2', token: 't' })
  expect(find({}, { VIGIL_TOKEN: 'env' })).toEqual({ url: 'http://127.0.0.1:1', token: 'env' })
  expect(find({}, { VIGIL_DATA: '/d' })).toEqual({ url: 'http://127.0.0.1:9100' })
  expect(find({ data: '/nowhere' })).toEqual({ url: 'http://127.0.0.1:9100' })
  expect(() => find({ url: 'ftp://x' })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

const budget: ProcessView['budget'] = {
  ...{ revision: 2, unlimited: false, on_exceeded: 'pause', held: true },
  limits: [
    { per: 'turn', kind: 'usd', limit: 1 },
    { per: 'day', kind: 'usd', limit: 5, spent: 2.5, reserved: 1 },
    { per: 'day', kind: 'tool_calls', limit: 10, spent: 8, reserved: 0 },
  ],
  ...{ hour: {}, day: { usd: 2.5, tool_calls: 8 }, month: { usd: 9 }, reserved: { usd: 1 } },
  days: [],
  models: [],
  paused: { since: 'before', owner: '@fleet', per: 'day', kind: 'tool_calls', until: 'then' },
}

it('tells what a process may spend, and what all have', () => {
  const { paused: _, ...free } = { ...budget, held: false }
  expect(budgetLines('a', { ...free, limits: budget.limits.slice(0, 2) })).toEqual([
    'a, revision 2',
    'budget: 2 limits; today $2.5, 8 tool calls',
    'limit: $5 per day: $2.5 spent, $1 reserved',
    '',
    'PER   LIMIT  SPENT  RESERVED',
    'turn  $1',
    'day   $5     $2.5   $1',
  ])
  const days = [{ from: '2026-01-01T06:00:00.000Z', spent: { usd: 4, tool_calls: 2 } }]
  expect(budgetLines('a', { ...free, limits: [], days }).slice(-3)).toEqual([
    '',
    'DAY FROM                  SPENT',
    '2026-01-01T06:00:00.000Z  $4, 2 tool calls',
  ])
  expect(spendLines({ agents: [{ name: 'a', ...free, turns: [] }], total: free, models: [] })).toEqual([
    'PROCESS  DAY                 MONTH  RESERVED',
    'a        $2.5, 8 tool calls  $9     $1',
    'all      $2.5, 8 tool calls  $9     $1',
  ])
})

it('tells what was spent by model', () => {
  const { paused: _, ...free } = { ...budget, held: false }
  const models = [{ model: 'openai:gpt-5-mini', hour: {}, day: { model_calls: 2, usd: 0.5 }, month: { usd: 9 } }]
  const lines = ['', 'MODEL              DAY                  MONTH', 'openai:gpt-5-mini  2 model calls, $0.5  $9']
  expect(budgetLines('a', { ...free, models }).slice(-3)).toEqual(lines)
  expect(spendLines({ agents: [], total: free, models }).slice(-3)).toEqual(lines)
})

it('tells what a turn took', () => {
  const turn = { process: 'a', turn: 't1', spent: { usd: 2, tool_calls: 1 }, reserved: {} }
  expect(turnSpendLines({ ...turn, calls: [] })).toEqual(['turn t1 of a: $2, 1 tool calls spent, nothing reserved'])
  const call = { key: 'k', at: 'then', spent: { usd: 2 }, reserved: {} }
  const calls = [
    { ...call, kind: 'tool', tool: 'pay' },
    { ...call, kind: 'fetch', spent: {}, reserved: { usd: 1 } },
    { ...call, kind: 'model.generate', model: 'a:b' },
  ]
  expect(turnSpendLines({ ...turn, calls }).slice(1)).toEqual([
    '',
    'AT    CALL   SPENT    RESERVED',
    'then  pay    $2       nothing',
    'then  fetch  nothing  $1',
    'then  a:b    $2       nothing',
  ])
})

it('tells all about one process', () => {
  const lines = statusLines({
    ...view({
      name: 'watcher',
      state: 'awaiting',
      labels: { team: 'data' },
      epoch: 3,
      revision: 2,
      residency: 'resident',
    }),
    isolation: 'process',
    guarantee: 'memory and kill isolation',
    stop_bound_ms: 12_500,
    counters: { accepted: 5, completed: 3, dead_lettered: 1, cancelled: 0, failures: 1 },
    mailbox: {
      waiting: 2,
      open: 1,
      dead_letters: 1,
      waiting_since: '2026-01-01T00:00:00.000Z',
      behind: [{ turn: 't1', why: 'waits for a person since then' }],
    },
    servers: [
      { name: 'git', state: 'ready', tools: 7 },
      { name: 'fs', state: 'failed', error: 'it ended with 3', tools: 0 },
    ],
    attention: [{ what: 'waits for approval r1', since: 'then' }],
    drift: [{ path: 'triggers.cron-1', change: 'off' }],
    budget,
    triggers: [
      {
        id: 'cron-1',
        type: 'cron',
        text: '0 * * * * (UTC)',
        origin: 'manifest',
        enabled: false,
        armed: false,
        problem: 'turned off by an operator',
        accepted: 4,
        missed: 2,
        skipped: 0,
        refused: { filter: 1 },
      },
    ],
  })
  expect(lines).toEqual([
    'watcher',
    '  state      awaiting',
    '  residency  resident',
    '  isolation  process (memory and kill isolation); gone 12.5 s after a stop at the latest',
    '  labels     team=data',
    '  life       3, revision 2, 0 restarts',
    '  mailbox    2 waiting since 2026-01-01T00:00:00.000Z, 1 open, 1 dead letters',
    '    behind   t1, which waits for a person since then',
    '  turns      5 accepted, 3 completed, 1 dead-lettered, 0 cancelled',
    '  budget     3 limits; today $2.5, 8 tool calls',
    '    limit    $5 per day: $2.5 spent, $1 reserved',
    '    limit    10 tool calls per day: 8 tool calls spent, 0 tool calls reserved',
    '    held     the clock has leapt: `vigil confirm-clock`',
    '    paused   the day of @fleet has no tool calls left, until then',
    '  failures   1 dead letters in a row',
    '  server     git: ready, 7 tools',
    '  server     fs: failed, it ended with 3, 0 tools',
    '  attention  waits for approval r1 (since then)',
    '  drift      triggers.cron-1 is turned off by an operator',
    '',
    'TRIGGER  LISTENS TO       FROM      NEXT  TAKEN  NOT TAKEN           NOTE',
    'cron-1   0 * * * * (UTC)  manifest  -     4      1 filter, 2 missed  turned off by an operator',
  ])
})
