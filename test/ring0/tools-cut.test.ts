import { defineTool } from '@vigil/agent'
import type { JournalRecord } from '@vigil/protocol'
import { crash, type Fault, judge, nth, ring0, sweep, type WorldAgent, world } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { moneyTally } from '../../packages/testkit/src/world/money-checks.ts'
import { paying, turnOf } from '../support/tool-turns.ts'

/** Where a call may be cut: before it is asked for, with the leave under way, while the tool runs (twice), with its outcome on record. */
const places: readonly [string, (die: typeof ring0.kill | ReturnType<typeof crash>) => Fault, boolean][] = [
  ['before the leave', (die) => die.after('bus.published'), false],
  ['after the leave', (die) => die.after('effect.intended'), true],
  ['while it runs, before the deed', (die) => die.after('bus.published', nth(2)), true],
  ['while it runs, after the deed', (die) => die.after('bus.published', nth(3)), true],
  ['after it has run', (die) => die.after('effect.completed'), false],
]
const deaths: readonly [string, typeof ring0.kill | ReturnType<typeof crash>][] = [
  ['ring 0', ring0.kill],
  ['the agent', crash('worker')],
]
const cuts = deaths.flatMap(([who, die]) => places.map(([where, at, begun]) => [who, where, at(die), begun] as const))

describe('when somebody dies', () => {
  test.each(cuts)('%s %s: a tool is run again, under the same key', async (_who, _where, fault) => {
    const { runs, tools, run } = paying()
    const { ends } = await turnOf({ tools, run }, [fault])
    expect(ends).toMatchObject([{ type: 'turn.completed' }])
    expect(new Set(runs).size).toBe(1)
    expect(runs.length).toBeLessThanOrEqual(2)
  })

  test.each(cuts)(
    '%s %s: a tool that may run once does, and is in doubt if it had begun',
    async (_who, _where, fault, begun) => {
      const { runs, tools, run } = paying({ once: true })
      const { ends } = await turnOf({ tools, run }, [fault])
      expect(runs.length).toBeLessThanOrEqual(1)
      expect(ends).toMatchObject([{ type: begun ? 'turn.parked' : 'turn.completed' }])
    },
  )

  test.each(cuts)(
    '%s %s: an irreversible one waits for a person, though its error is caught',
    async (_who, _where, fault, begun) => {
      const { runs, tools, run } = paying({ irreversible: true })
      const brave: WorldAgent['run'] = (event, ctx) => Promise.resolve(run(event, ctx)).catch(() => 'caught')
      const { ends } = await turnOf({ tools, run: brave }, [fault])
      expect(runs.length).toBeLessThanOrEqual(1)
      expect(ends).toMatchObject([{ type: begun ? 'turn.parked' : 'turn.completed' }])
    },
  )

  test.each(cuts)(
    '%s %s: the manifest may call irreversible what the tool does not',
    async (_who, _where, fault, begun) => {
      const { runs, tools, run } = paying()
      const { ends } = await turnOf({ tools, run, toolPolicy: { '*': { irreversible: true } } }, [fault])
      expect(runs.length).toBeLessThanOrEqual(1)
      expect(ends).toMatchObject([{ type: begun ? 'turn.parked' : 'turn.completed' }])
    },
  )

  test.each(cuts)('%s %s: one that can say what came of it is asked', async (_who, _where, fault) => {
    const deeds = new Set<string>()
    let runs = 0
    const pay = defineTool({
      name: 'pay',
      irreversible: true,
      async run(_input, ctx) {
        await ctx.publish('paying', null)
        deeds.add(ctx.key)
        runs += 1
        await ctx.publish('paid', null)
      },
      reconcile: (key) => (deeds.has(key) ? { done: true, value: 'found' } : { done: false }),
    })
    const { ends } = await turnOf({ tools: [pay], run: paying().run }, [fault])
    expect(runs).toBe(1)
    expect([deeds.size, ends]).toMatchObject([1, [{ type: 'turn.completed' }]])
  })
})

describe('a run that nobody knows the outcome of', () => {
  const price = 250_000
  const cut = deaths.map(([who, die]) => [who, die.after('bus.published', nth(3))] as const)
  const moneyOf = (log: readonly JournalRecord[]) => {
    const money = moneyTally()
    for (const record of log) money.add(record)
    return money.paid
  }

  test.each(cuts)('when %s dies %s is charged, and the next one too', async (_who, where, fault, begun) => {
    const { runs, tools, run } = paying({ cost: 0.25 })
    const { ends, log } = await turnOf({ tools, run }, [fault])
    expect(ends).toMatchObject([{ type: 'turn.completed' }])
    expect(moneyOf(log), where).toBe((begun ? 2 : 1) * price)
    expect(runs.length * price).toBeLessThanOrEqual(moneyOf(log))
    const again = log.filter(({ type }) => type === 'effect.repeated')
    expect(again.map(({ data }) => data)).toEqual(
      begun ? [{ key: expect.stringMatching(/^tool:pay:/), reserved: { usd: price } }] : [],
    )
  })

  test.each(cut)('when %s dies is not repeated without room for another', async (_who, fault) => {
    const { runs, tools, run } = paying({ cost: 0.25 })
    const brave: WorldAgent['run'] = (event, ctx) => Promise.resolve(run(event, ctx)).catch(({ code }) => code)
    const { ends, log } = await turnOf({ tools, run: brave, budget: { maxCostPerInvocation: 0.4 } }, [fault])
    expect([runs.length, ends]).toMatchObject([1, [{ type: 'turn.completed', result: 'BUDGET_EXCEEDED' }]])
    expect(moneyOf(log)).toBe(price)
  })

  test.each(cut)('when %s dies is one call, however often it runs', async (_who, fault) => {
    const { runs, tools, run } = paying({ cost: 0.25 })
    const limits = { maxToolCallsPerInvocation: 1 }
    const { ends } = await turnOf({ tools, run, budget: limits, toolPolicy: { pay: { maxPerTurn: 1 } } }, [fault])
    expect([runs.length, ends]).toMatchObject([2, [{ type: 'turn.completed' }]])
  })

  test.each([
    ['that is idempotent', { cost: 0.25, once: true, idempotent: true }, price],
    ['without a price', {}, 0],
  ])('of a tool %s is not charged again', async (_what, options, paid) => {
    const { runs, tools, run } = paying(options)
    const { log } = await turnOf({ tools, run }, [ring0.kill.after('bus.published', nth(3))])
    expect([runs.length, moneyOf(log)]).toEqual([2, paid])
    expect(log.filter(({ type }) => type === 'effect.repeated')).toEqual([])
  })

  test('is not made by letting go of an agent that waits in it for people', async () => {
    let runs = 0
    const ask = defineTool({
      name: 'ask',
      cost: 0.25,
      async run(_input, ctx) {
        runs += 1
        return await ctx.askHuman({ question: 'Well?' })
      },
    })
    const { ends, log } = await turnOf({ tools: [ask], evictable: true, run: (_event, ctx) => ctx.tools.call('ask') })
    expect([runs, log.filter(({ type }) => type === 'turn.suspended')]).toEqual([1, []])
    expect(ends).toEqual([])
  })
})

test('an irreversible call whose reconcile cannot tell waits for a person, who says that it was done', async () => {
  const { runs, tools, run } = paying({
    irreversible: true,
    reconcile() {
      throw new Error('the bank does not answer')
    },
  })
  const brave: WorldAgent['run'] = (event, ctx) => Promise.resolve(run(event, ctx)).catch(() => 'caught')
  const w = world({
    seed: 1,
    agents: { worker: { tools, run: brave } },
    faults: [ring0.kill.after('bus.published', nth(3))],
  })
  await w.until(() => w.settled, 60_000)
  void w.client.postEvent('worker', null).catch(() => undefined)
  await w.run(60_000)
  let doubts: readonly { readonly id: string; readonly kind: string }[] = []
  void w.client.doubts().then((found) => {
    doubts = found.doubts
  })
  await w.run(1_000)
  expect(doubts).toMatchObject([{ process: 'worker', kind: 'tool' }])
  void w.client.resolveDoubt(doubts[0]?.id ?? '', { outcome: 'done', result: 'paid by hand' })
  await w.run(60_000)
  await w.stop()
  const { violations, log } = await judge(w)
  w.close()
  expect(violations).toEqual([])
  const end = log.find(({ type }) => type === 'turn.completed')
  expect([runs.length, end?.data]).toMatchObject([1, { result: 'paid by hand' }])
})

test('whatever becomes of the disk, what may run once runs once', async () => {
  const { runs, tools, run } = paying({ once: true })
  const brave: WorldAgent['run'] = (event, ctx) => Promise.resolve(run(event, ctx)).catch(({ code }) => code)
  await sweep(
    {
      agent: { name: 'worker', tools, run: brave },
      async body(t) {
        runs.length = 0
        await t.fire('manual')
      },
    },
    () => expect(runs.length).toBeLessThanOrEqual(1),
    { every: 4 },
  )
})
