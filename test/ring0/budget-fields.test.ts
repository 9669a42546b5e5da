import { defineTool } from '@vigil/agent'
import { limitRows, type ProcessName } from '@vigil/protocol'
import type { SpawnSpec } from '@vigil/supervisor'
import { judge, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import type { Decider } from '../../packages/supervisor/src/gate/decide.ts'
import { type GateRing, openGateRing } from '../support/gate-ring.ts'

/** What each field of a budget does. */
type Budget = NonNullable<Exclude<SpawnSpec['budget'], 'unlimited'>>
const camel = (field: string): string => field.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const hour = 3_600_000
const lasting = { turn: 0, hour, day: 24 * hour, month: 31 * 24 * hour }

describe('a limit on what calls cost gives twice what it has room for twice', () => {
  let ring: GateRing
  afterEach(() => ring.close())

  const secondTurn = () => {
    const author = { process: 'worker' as ProcessName, epoch: 1 }
    const event = { event_id: 'e2', trigger_id: 'manual', type: 'manual', timestamp: '2026-01-01T00:00:00.000Z' }
    ring.commit(
      { ...author, type: 'trigger.accepted', data: { event: { ...event, payload: null, metadata: {} } } },
      {
        ...author,
        type: 'turn.started',
        turn: 't2',
        data: { event_id: 'e2', attempt: 1, bundle: 'b1', started_at: event.timestamp },
      },
    )
  }
  const call = async (turn: 't1' | 't2', key: string) => {
    const input = { method: 'POST', url: 'https://api.test/', headers: {} }
    const reply = await ring.gate.call({ process: 'worker', turn, key, kind: 'fetch', input })
    return 'outcome' in reply ? reply.outcome : undefined
  }

  test.each(limitRows.filter(({ kind }) => kind !== 'runs'))('$field', async ({ field, per, kind }) => {
    const one = kind === 'usd' ? 0.4 : 1
    const amount = kind === 'usd' ? 400_000 : 1
    const priced: Decider = () => ({ verdict: 'go', reserve: { [kind]: amount } })
    const budget = { [camel(field)]: 2 * one } as Budget
    const specs = [{ name: 'worker', network: { allow: ['api.test'] }, budget }]
    ring = await openGateRing({ specs, routes: { '* *': 200 }, deciders: [priced], hasLedger: true })
    secondTurn()
    expect(await call('t1', 'a')).toMatchObject({ ok: true })
    expect(await call('t1', 'b')).toMatchObject({ ok: true })
    // A turn has no more than its agent: what a period has no room for is seen by the next turn.
    const limit = { per, kind, limit: 2 * amount, spent: 2 * amount }
    const refused = { ok: false, error: { code: 'BUDGET_EXCEEDED', details: { owner: 'worker', ...limit } } }
    expect(await call(per === 'turn' ? 't1' : 't2', 'c')).toMatchObject(refused)
    await ring.clock.advance(lasting[per])
    expect(await call('t2', 'd')).toMatchObject({ ok: true })
  })
})

describe('of runs and the rest', () => {
  let w: World
  afterEach(() => w.close())

  const live = async (worker: WorldAgent, posts: number): Promise<void> => {
    w = world({ seed: 1, agents: { worker } })
    expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
    for (let nth = 0; nth < posts; nth += 1) void w.client.postEvent('worker', {}).catch(() => undefined)
    await w.run(60_000)
  }
  const end = async () => {
    await w.stop()
    const { violations, log } = await judge(w)
    expect(violations).toEqual([])
    return log
  }
  const completed = () => w.supervisor?.get('worker').status().counters.completed
  const state = () => w.supervisor?.get('worker').status().state
  /** By the wall: nobody waits for a month. No leap is so long that a person had to explain it. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 20 * hour) {
      w.clock.stepWall(Math.min(left, 20 * hour))
      await w.run(61_000)
    }
  }
  const run = () => 'done'

  test.each(limitRows.filter(({ kind }) => kind === 'runs'))('$field', async ({ field, per }) => {
    await live({ run, budget: { [camel(field)]: 2 } as Budget }, 4)
    expect(completed()).toBe(2)
    await pass(lasting[per])
    expect(completed()).toBe(4)
    await end()
  })

  test('no runs are none', async () => {
    await live({ run, budget: { maxDailyRuns: 0 } }, 1)
    await pass(24 * hour)
    expect(completed()).toBe(0)
    await end()
  })

  test.each<[string, Budget, number]>([
    ['reset_hour', { maxDailyRuns: 1, resetHour: 6 }, 6],
    ['timezone', { maxDailyRuns: 1, timezone: 'Asia/Tokyo' }, 15],
    ['timezone and reset_hour', { maxDailyRuns: 1, timezone: 'Asia/Tokyo', resetHour: 4 }, 19],
  ])('%s says when a day begins', async (_what, budget, hours) => {
    await live({ run, budget }, 2)
    await pass((hours - 1) * hour)
    expect(completed()).toBe(1)
    await pass(hour)
    expect(completed()).toBe(2)
    await end()
  })

  /** Tries one thing three times in a turn, and says how often it was made. */
  const payer = (budget: SpawnSpec['budget']): WorldAgent => ({
    ...(budget === undefined ? {} : { budget }),
    tools: [defineTool({ name: 'pay', run: () => 'paid' })],
    async run(_event, ctx) {
      let made = 0
      for (const nth of [1, 2, 3])
        await ctx.tools.call('pay', nth).then(
          () => {
            made += 1
          },
          () => undefined,
        )
      ctx.state.set('made', made)
    },
  })
  const made = async () => (await w.client.context('worker')).state['made']
  const hear = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => undefined)
    await w.run(1_000)
    return await call
  }

  test.each<[SpawnSpec['budget'], number]>([
    [undefined, 3],
    [{ toolCosts: { pay: 0.4 } }, 2],
    [{ toolCosts: { pay: { cost: 0.4 } }, maxCostPerInvocation: 0.5 }, 1],
    [{ toolCosts: { other: 5 } }, 3],
    [{ toolCosts: { pay: { irreversible: true } }, maxIrreversiblePerInvocation: 1 }, 1],
    [{ maxIrreversiblePerInvocation: 1 }, 3],
    ['unlimited', 3],
  ])('tool_costs: %j lets a tool be called %i times', async (budget, times) => {
    await live(payer(budget), 1)
    expect(await hear(made())).toBe(times)
    await end()
  })

  test.each<[NonNullable<Budget['onExceeded']>, string]>([
    ['pause', 'suspended'],
    ['escalate', 'suspended'],
    ['stop', 'stopped'],
  ])('on_exceeded: %s leaves it %s', async (onExceeded, expected) => {
    await live(payer({ maxDailyToolCalls: 2, onExceeded }), 1)
    expect(state()).toBe(expected)
    await end()
  })

  test.each([
    [0.5, 3],
    [0.8, 4],
    [1, 5],
  ])('warning_threshold: %f warns when %i of 5 are spent', async (warningThreshold, spent) => {
    await live({ run, budget: { maxDailyRuns: 5, warningThreshold } }, 0)
    for (let nth = 0; nth < 5; nth += 1) {
      void w.client.postEvent('worker', {})
      await w.run(10_000)
    }
    const log = await end()
    expect(log.flatMap((record) => (record.type === 'budget.warned' ? [record.data] : []))).toEqual([
      { per: 'day', kind: 'runs', limit: 5, spent },
    ])
  })
})
