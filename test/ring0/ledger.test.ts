import type { ProcessName } from '@vigil/protocol'
import type { SpawnSpec } from '@vigil/supervisor'
import { afterEach, expect, test } from 'vitest'
import type { Decider } from '../../packages/supervisor/src/gate/decide.ts'
import { type GateRing, openGateRing } from '../support/gate-ring.ts'

/** Money at the gate: what a call may cost at most stands in its address. */
let ring: GateRing
afterEach(() => ring.close())

const priced: Decider = ({ input }) => {
  const cost = new URL((input as { url?: string }).url ?? 'http://x').searchParams.get('usd')
  return cost === null ? undefined : { verdict: 'go', reserve: { usd: Number(cost) * 1_000_000 } }
}
const call = (usd: number, key: string) =>
  ring.call('fetch', { method: 'POST', url: `https://api.test/?usd=${usd}`, headers: {} }, key)
const purse = () => ring.world.get('worker')?.purse
const standing = () => ({ reserved: purse()?.reserved.usd ?? 0, spent: purse()?.periods.day.spent.usd ?? 0 })

async function open(budget: SpawnSpec['budget'], answer: () => Promise<number> | number = () => 200): Promise<void> {
  const specs = [{ name: 'worker', network: { allow: ['api.test'] }, ...(budget === undefined ? {} : { budget }) }]
  ring = await openGateRing({ specs, routes: { '* *': answer }, deciders: [priced], hasLedger: true })
}
const never = (): Promise<number> => new Promise(() => undefined)

test('an agent whose manifest says nothing has a dollar per turn', async () => {
  await open(undefined)
  expect((await call(1, 'a')).outcome.ok).toBe(true)
  expect((await call(0.01, 'b')).outcome).toMatchObject({
    ok: false,
    error: { code: 'BUDGET_EXCEEDED', details: { per: 'turn' } },
  })
})

test('a call that does not fit beside what is reserved is not made, and what costs nothing is', async () => {
  await open({ maxDailyCost: 5, maxCostPerInvocation: 5 }, never)
  void call(3, 'a')
  const refused = await call(3, 'b')
  expect(refused.outcome).toMatchObject({
    ok: false,
    error: {
      code: 'BUDGET_EXCEEDED',
      message: expect.stringMatching(
        /^fetch needs \$3, and the turn of "worker" has a limit of \$5, of which \$0 are spent and \$3 reserved/,
      ),
    },
  })
  await ring.clock.advance(0)
  expect(ring.http.sent).toHaveLength(1)
  expect(standing()).toEqual({ reserved: 3_000_000, spent: 0 })
  expect((await ring.call('publish', { topic: 'news', data: null })).outcome.ok).toBe(true)
  expect((await ring.call('step', { outcome: 1 }, 'step')).outcome.ok).toBe(true)
})

test('a refusal of a period is on record with what follows, once, and is heard again by a replay', async () => {
  await open({ maxDailyCost: 1, maxCostPerInvocation: 1, maxHourlyCost: 1 })
  await call(0.75, 'a')
  ring.commit({
    process: 'worker' as ProcessName,
    epoch: 1,
    type: 'budget.changed',
    data: { set: { max_cost_per_invocation: 9 }, by: 'operator' },
  })
  const refused = await call(0.5, 'b')
  await call(0.5, 'c')
  const [exceeded, ...others] = await ring.records('budget.exceeded')
  expect(others).toEqual([])
  expect(exceeded?.data).toEqual({
    owner: 'worker',
    per: 'day',
    kind: 'usd',
    asked: 500_000,
    limit: 1_000_000,
    spent: 750_000,
    reserved: 0,
    policy: 'pause',
    until: '2026-01-02T00:00:00.000Z',
  })
  expect(ring.world.get('worker')?.budgetPause).toMatchObject({ until: '2026-01-02T00:00:00.000Z' })
  await ring.crash()
  expect(await call(0.5, 'b')).toEqual(refused)
  expect(ring.world.get('worker')?.budgetPause).toMatchObject({ owner: 'worker', per: 'day' })
})

test('a crash neither frees what was under way nor takes it twice', async () => {
  let isUp = false
  await open({ maxDailyCost: 5, maxCostPerInvocation: 5 }, () => (isUp ? 200 : never()))
  void ring.call('fetch', { method: 'PUT', url: 'https://api.test/?usd=4', headers: {} }, 'a')
  await ring.clock.advance(0)
  await ring.crash()
  isUp = true
  expect(standing()).toEqual({ reserved: 4_000_000, spent: 0 })
  expect((await call(2, 'b')).outcome.ok).toBe(false)
  await ring.call('fetch', { method: 'PUT', url: 'https://api.test/?usd=4', headers: {} }, 'a')
  expect(standing()).toEqual({ reserved: 0, spent: 4_000_000 })
  await ring.crash()
  expect(standing()).toEqual({ reserved: 0, spent: 4_000_000 })
})

test('in doubt a call is charged with the worst', async () => {
  await open({ maxDailyCost: 5, maxCostPerInvocation: 5 }, never)
  void call(4, 'a')
  await ring.clock.advance(0)
  await ring.crash()
  expect((await call(4, 'a')).outcome).toMatchObject({ ok: false, error: { code: 'EFFECT_IN_DOUBT' } })
  expect(standing()).toEqual({ reserved: 0, spent: 4_000_000 })
})

test('the next period has room again', async () => {
  await open({ maxDailyCost: 1, maxCostPerInvocation: 1 })
  await call(1, 'a')
  await ring.clock.advance(24 * 3_600_000)
  ring.commit({
    process: 'worker' as ProcessName,
    epoch: 1,
    type: 'budget.changed',
    data: { set: { max_cost_per_invocation: 9 }, by: 'operator' },
  })
  expect((await call(1, 'b')).outcome.ok).toBe(true)
  expect(standing()).toEqual({ reserved: 0, spent: 1_000_000 })
})

test('nothing is limited that is unlimited, and it is counted', async () => {
  await open('unlimited')
  for (const key of ['a', 'b']) expect((await call(900, key)).outcome.ok).toBe(true)
  expect(standing()).toEqual({ reserved: 0, spent: 1_800_000_000 })
})

test('a call of a turn that was cancelled is paid at once, and not again when it comes in', async () => {
  const answer = Promise.withResolvers<number>()
  await open({ maxDailyCost: 5, maxCostPerInvocation: 5 }, () => answer.promise)
  void call(2, 'a')
  await ring.clock.advance(0)
  const author = { process: 'worker' as ProcessName, epoch: 1, turn: 't1' }
  ring.commit({ ...author, type: 'budget.charged', data: { amounts: { usd: 2_000_000 } } })
  ring.commit({ ...author, type: 'turn.cancelled', data: { event_id: 'e1', reason: 'no', by: 'operator' } })
  expect(standing()).toEqual({ reserved: 0, spent: 2_000_000 })
  answer.resolve(200)
  await ring.clock.advance(0)
  expect(standing()).toEqual({ reserved: 0, spent: 2_000_000 })
  const [completed] = await ring.records('effect.completed')
  expect(completed?.data).not.toHaveProperty('spent')
})
