import { type JournalDamage, type SpaceState, VigilError } from '@vigil/protocol'
import type {
  AgentHandle,
  OpenRequest,
  ProcessState,
  ProcessStatus,
  SecretStatus,
  TriggerStatus,
  TurnResult,
} from '@vigil/supervisor'
import type { RuntimeSurface } from './runtime-surface.ts'

/** One process in memory, with the surface of ring 0: enough to see what a call asked of it. */
export interface FakeRuntime extends RuntimeSurface {
  readonly calls: unknown[][]
  ready: boolean
  /** Segments that a page of the journal meets damaged. */
  unreadable: string[]
  damaged: JournalDamage[]
  space: SpaceState
  turn: TurnResult | undefined
  readonly guarded: Set<number>
  state: ProcessState
}

const byModel = { model: 'openai:gpt-5-mini', hour: {}, day: { modelCalls: 2 }, month: { usd: 9 } }

export const status: ProcessStatus = {
  name: 'watcher',
  state: 'running',
  labels: { team: 'data', costCenter: 'X' },
  revision: 2,
  epoch: 3,
  isolation: 'process',
  guarantee: 'memory and kill isolation',
  stopBoundMs: 12_500,
  residency: 'resident',
  pid: 77,
  vitals: { memoryMb: 12, loop: 0.5, busyMs: 0 },
  restarts: 1,
  lastExit: { at: '2026-01-01T00:00:00.000Z', cause: { kind: 'memory', used_mb: 301, limit_mb: 128 } },
  counters: { accepted: 5, completed: 3, deadLettered: 1, cancelled: 0, failures: 2 },
  mailbox: { waiting: 1, open: 1, deadLetters: 1, behind: [] },
  attention: [],
  triggers: [
    {
      id: 't1',
      type: 'cron',
      text: '0 * * * *',
      origin: 'manifest',
      enabled: true,
      armed: true,
      accepted: 3,
      nextFire: '2026-01-01T01:00:00.000Z',
      lastEvent: { at: 'then', eventId: 'e1' },
      lastFailure: { at: 'then', message: 'no room' },
    },
  ],
  servers: [{ name: 'github', state: 'ready', tools: 3 }],
  drift: [],
  budget: {
    ...{ revision: 4, unlimited: false, onExceeded: 'pause', held: false },
    limits: [{ per: 'day', kind: 'toolCalls', limit: 10, spent: 8, reserved: 1 }],
    ...{ hour: { usd: 0.5 }, day: { usd: 2.5, toolCalls: 8 }, month: { usd: 9 }, reserved: { toolCalls: 1 } },
    days: [{ from: 'before', spent: { usd: 1, modelCalls: 2 } }],
    models: [byModel],
    paused: { since: 'then', owner: '@fleet', per: 'day', kind: 'modelCalls', until: 'later' },
  },
}

const secret: SecretStatus = {
  ...{ name: 'api', source: 'set', version: 2, since: 'then', kept: 'sealed', expiresAt: 'later', ttlMs: 60_000 },
  ...{ hosts: ['api.example.com'], lastUse: { at: 'then', host: 'api.example.com' } },
  revoked: { at: 'then', by: 'ops', expired: false },
  missing: 'it is gone',
}

const spent = { hour: {}, day: { usd: 2.5 }, month: { usd: 9 }, reserved: { toolCalls: 1 } }

export function fakeRuntime(): FakeRuntime {
  const calls: unknown[][] = []
  const note = (...call: unknown[]) => void calls.push(call)
  const control = (verb: string, state: ProcessState) => async () => {
    note(verb)
    runtime.state = state
  }
  const state: Record<string, never> = {}
  const agent: AgentHandle = {
    name: 'watcher',
    get state() {
      return runtime.state
    },
    run: async () => null,
    enqueue: async (payload, options) => {
      note('enqueue', payload, options)
      return { eventId: 'e1', accepted: true, duplicate: false }
    },
    result: async (eventId, options) => {
      note('result', eventId, options?.timeout)
      if (runtime.turn === undefined) throw new VigilError('WAIT_TIMEOUT', 'still running')
      return runtime.turn
    },
    status: () => ({ ...status, state: runtime.state }),
    start: control('start', 'running'),
    stop: control('stop', 'stopped'),
    restart: control('restart', 'running'),
    suspend: control('suspend', 'suspended'),
    resume: control('resume', 'running'),
    remove: async () => note('remove'),
    purge: async () => {
      note('purge')
      return 3
    },
    turns: async (query) => {
      note('turns', query)
      return [{ turn: 't1', eventId: 'e1', state: 'running', attempt: 1, at: 'then' }]
    },
    cancel: async (turn) => note('cancel', turn),
    rewind: async (to, options) => {
      note('rewind', to, options)
      return { n: 1, changes: [], messages: 0, applied: options?.dryRun === false }
    },
    fork: async (name, at) => {
      note('fork', name, at)
      return { ...agent, name, state: 'stopped' }
    },
    replay: async (turn) => ({
      turn,
      same: true,
      recorded: { status: 'completed', result: null, writes: {} },
      unasked: [],
      unrecorded: [],
    }),
    changeBudget: async (patch, options) => {
      note('changeBudget', patch, options?.ifRevision)
      return { name: 'watcher', revision: 5 }
    },
    grantBudget: async (usd) => {
      note('grantBudget', usd)
      return { name: 'watcher', revision: 4 }
    },
    turnSpend: async (turn) => {
      if (turn !== 't1') throw new VigilError('TURN_NOT_FOUND', `there is no turn ${turn}`)
      const taken = { spent: { usd: 2, toolCalls: 1 }, reserved: {} }
      return {
        process: 'watcher',
        turn,
        ...taken,
        calls: [{ key: 'k', kind: 'tool', tool: 'pay', at: 'then', ...taken }],
      }
    },
    secrets: async () => [secret],
    memory: async (query) => {
      note('memory', query)
      const entry = { id: 'm-1', text: 'blue', tags: ['colour'], key: 'k', at: 'then', by: 'watcher', score: 1 }
      return { enabled: true, share: 'notes', total: 1, bytes: 10, entries: [entry], next: 'more' }
    },
    forgetMemory: async (id, by) => note('forgetMemory', id, by),
    setSecret: async (name, bytes, options) => {
      note('setSecret', name, Buffer.from(bytes).toString(), options)
      bytes.fill(0)
      return secret
    },
    revokeSecrets: async (name, by) => {
      note('revokeSecrets', name, by)
      return [{ name: 'api', source: 'variable', where: 'API_KEY' }]
    },
    revealSecret: async (name, by) => {
      note('revealSecret', name, by)
      return { version: 1, value: 'whsec_made' }
    },
    triggers: async () => status.triggers,
    addTrigger: async (trigger) => {
      note('addTrigger', trigger)
      return status.triggers[0] as TriggerStatus
    },
    removeTrigger: async (id) => note('removeTrigger', id),
    fire: async (id, payload) => {
      note('fire', id, payload)
      return id === 'off'
        ? { accepted: false, reason: 'disabled' }
        : { accepted: true, eventId: 'e1', duplicate: false }
    },
    requests: () => runtime.requests() as Promise<OpenRequest[]>,
    deadLetters: async () => [],
    redeliver: async (ids) => {
      note('redeliver', ids)
      return ['e2']
    },
    discard: async (ids) => {
      note('discard', ids)
      return 1
    },
    journal: async (query) => {
      note('journal', query)
      const record = (n: number) =>
        ({ seq: n, n, at: 'now', process: 'watcher', epoch: 1, type: 'process.removed', data: { by: 'x' } }) as never
      const records = Array.from({ length: Math.min(query?.limit ?? 0, 3) }, (_, index) => record(9 - index))
      return { records, damaged: runtime.unreadable }
    },
    context: async () => ({ state, conversation: { summary: '', messages: [], upto: 0, last: 0 } }),
    stateHistory: async (key) => {
      note('stateHistory', key)
      return [{ at: 'then', value: 1, source: 't-e1', overwrote: 'operator' }]
    },
    patchContext: async (set) => {
      Object.assign(state, set)
    },
  }
  const guarded = new Set<number>()
  const runtime: FakeRuntime = {
    calls,
    guarded,
    ready: true,
    unreadable: [],
    damaged: [],
    space: 'open',
    turn: undefined,
    state: 'running',
    dataDir: '/data',
    report: {
      orphansEnded: 1,
      processes: [{ name: 'watcher', checkpointAt: 'then', replayed: 4, openTurns: 1 }],
      lost: 0,
      repeated: 0,
      bodiesLost: 0,
      inDoubt: 0,
    },
    get: (name) => {
      if (name !== 'watcher') throw new VigilError('PROCESS_NOT_FOUND', `no process is called "${name}"`)
      return agent
    },
    list: () => [agent],
    tree: () => [
      {
        kind: 'group',
        name: 'all',
        state: 'running',
        strategy: 'rest_for_one',
        intensity: 3,
        periodMs: 60_000,
        autoShutdown: 'never',
        children: [{ kind: 'agent', name: 'watcher', state: 'running', restart: 'permanent', restarts: 1, pid: 77 }],
      },
    ],
    doubts: async () => [
      { id: 'd1', process: 'watcher', turn: 't1', eventId: 'e1', kind: 'fetch', key: 'k', at: 'then' },
    ],
    resolveDoubt: async (id, decision) => note('resolveDoubt', id, decision),
    requests: async (query) => {
      note('requests', query)
      return [
        {
          ...{ id: 'r1', process: 'watcher', turn: 't1', eventId: 'e1', kind: 'approval', at: 'then' },
          ...{ asked: { action: 'pay' }, deadline: 'later', onTimeout: 'deny', inputHash: 'h', approvers: [] },
        } as const,
      ]
    },
    spend: async (isWanted) => ({
      agents: [
        {
          name: 'watcher',
          ...spent,
          days: [{ from: 'before', spent: { modelCalls: 2 } }],
          turns: [{ turn: 't1', spent: { modelCalls: 1 }, reserved: {} }],
        },
      ].filter(({ name }) => isWanted?.(name) !== false),
      total: spent,
      models: [byModel],
      fleet: status.budget,
    }),
    models: async ({ probes, isWanted } = {}) => ({
      pricesOf: '2026-01-01',
      models: [{ model: 'sim:echo', processes: ['watcher'], simulated: true, price: { input: 0, output: 0 } }].filter(
        ({ processes: [name = ''] }) => isWanted?.(name) !== false,
      ),
      providers: [
        { name: 'openai', baseUrl: 'https://x/v1', key: 'set', ...(probes === true ? { reached: true } : {}) },
      ],
    }),
    confirmClock: async (by) => note('confirmClock', by),
    decide: async (id, decision, by) => note('decide', id, decision, by),
    deliverHook: async ({ body, ...request }) => {
      note('hook', request, new TextDecoder().decode(await body()))
      return { accepted: true, eventId: 'h1', duplicate: false }
    },
    guardPort: (port) => {
      guarded.add(port)
      return () => guarded.delete(port)
    },
    publish: async (topic, data) => {
      note('publish', topic, data)
      return { eventId: 'p1' }
    },
  }
  return runtime
}
