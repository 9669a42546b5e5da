import type { Amounts, ProcessName, RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { budgetOf, fleetPurse, pursesAbove } from './purse-fold.ts'

const intended = (key: string, reserved: Amounts, purses?: string[]): RecordDraft => ({
  ...alpha,
  type: 'effect.intended',
  turn: 't-e1',
  data: { key, kind: 'fetch', input: null, repeatable: false, reserved, ...(purses === undefined ? {} : { purses }) },
})
const completed = (key: string, money: { spent?: Amounts; released?: Amounts; purses?: string[] }): RecordDraft => ({
  ...alpha,
  type: 'effect.completed',
  turn: 't-e1',
  data: { key, kind: 'fetch', outcome: { ok: true, value: null }, ...money },
})
const fleet = { process: fleetPurse as ProcessName, epoch: 0 }

function running() {
  const made = worldOf({ budget: { maxDailyCost: 8 } })
  for (const draft of [accepted('e1'), started('e1')]) made.put(draft)
  const standing = () => {
    const { purse, turns } = made.fold()
    return { reserved: purse.reserved, spent: purse.periods.day.spent, turn: turns.get('t-e1')?.purse }
  }
  return { ...made, standing }
}

test('a run is counted with the first attempt of a turn, and with no other', () => {
  const { put, standing } = running()
  put(started('e1'))
  put(started('e1', 2))
  expect(standing().spent).toEqual({ runs: 1 })
})

test('what is reserved is free again with its outcome, which says what it came to', () => {
  const { put, standing } = running()
  put(intended('a', { usd: 5, tool_calls: 1 }))
  put(intended('b', { usd: 7 }))
  expect(standing()).toMatchObject({ reserved: { usd: 12, tool_calls: 1 }, turn: { reserved: { usd: 12 } } })
  put(completed('a', { spent: { usd: 5, tool_calls: 1 } }))
  put(completed('b', { spent: { usd: 3 }, released: { usd: 7 } }))
  const spent = { usd: 8, tool_calls: 1 }
  expect(standing()).toEqual({ reserved: {}, spent: { ...spent, runs: 1 }, turn: { reserved: {}, spent } })
})

test('a run that is made again is spent, and as much stays reserved', () => {
  const { put, standing } = running()
  put(intended('a', { usd: 5, tool_calls: 1 }))
  put({ ...alpha, type: 'effect.repeated', turn: 't-e1', data: { key: 'a', reserved: { usd: 5 } } })
  const reserved = { usd: 5, tool_calls: 1 }
  expect(standing()).toEqual({ reserved, spent: { runs: 1, usd: 5 }, turn: { reserved, spent: { usd: 5 } } })
  put(completed('a', { spent: reserved }))
  expect(standing()).toMatchObject({ reserved: {}, spent: { usd: 10, tool_calls: 1 } })
})

test('what a turn has begun and knows no outcome of is paid when it ends, and not again when it comes in', () => {
  const { put, standing } = running()
  put(intended('a', { usd: 5 }))
  put({ ...alpha, type: 'budget.charged', turn: 't-e1', data: { amounts: { usd: 5 } } })
  put({ ...alpha, type: 'turn.cancelled', turn: 't-e1', data: { event_id: 'e1', reason: 'no', by: 'operator' } })
  expect(standing()).toMatchObject({ reserved: {}, spent: { runs: 1, usd: 5 } })
  put(completed('a', {}))
  expect(standing()).toMatchObject({ reserved: {}, spent: { runs: 1, usd: 5 } })
})

test('a record changes the purses that it names, also where the process itself is gone', () => {
  const { put, fold, world } = running()
  put({ ...fleet, type: 'budget.changed', data: { budget: { ...budgetOf(fold()) }, by: 'configuration' } })
  expect(pursesAbove(world, fold())).toEqual([fleetPurse])
  put(intended('a', { usd: 5 }, [fleetPurse]))
  world.delete('alpha')
  put(completed('a', { spent: { usd: 4 }, released: { usd: 5 }, purses: [fleetPurse] }))
  expect(fold(fleetPurse).purse).toMatchObject({ reserved: {}, periods: { month: { spent: { usd: 4 } } } })
})

test('above a fork is who it came from, and above all is the fleet', () => {
  const { put, fold, world } = worldOf({})
  const { manifest } = fold()
  for (const [name, parent] of [
    ['beta', 'alpha'],
    ['gamma', 'beta'],
  ] as const)
    put({
      process: name as ProcessName,
      epoch: 0,
      type: 'process.deployed',
      data: { revision: 1, manifest: { ...manifest, name }, bundle: 'b1', by: 'operator', parent },
    })
  put({ ...fleet, type: 'budget.changed', data: { budget: { ...budgetOf(fold()) }, by: 'configuration' } })
  expect(pursesAbove(world, fold('gamma'))).toEqual(['beta', 'alpha', fleetPurse])
  world.delete('alpha')
  expect(pursesAbove(world, fold('gamma'))).toEqual(['beta', fleetPurse])
})

test('what operators laid over a budget stays until another manifest says that field anew', () => {
  const { put, fold } = running()
  const set = { max_daily_cost: 2, warning_threshold: 0.5 }
  put({ ...alpha, type: 'budget.changed', data: { set, by: 'operator' } })
  expect(budgetOf(fold())).toMatchObject({ warningThreshold: 0.5, limits: { day: { usd: 2_000_000 } } })
  const other = worldOf({ budget: { maxDailyCost: 9 } }).fold().manifest
  put({
    ...alpha,
    type: 'process.deployed',
    data: { revision: 2, manifest: { ...other }, bundle: 'b1', by: 'manifest' },
  })
  expect(budgetOf(fold())).toMatchObject({ warningThreshold: 0.5, limits: { day: { usd: 9_000_000 } } })
  put({ ...alpha, type: 'budget.changed', data: { set: { warning_threshold: null }, by: 'operator' } })
  expect(budgetOf(fold()).warningThreshold).toBe(0.8)
})

test('after a leap of the clock no day begins before a person says that it is right', () => {
  const { put, fold } = running()
  const dayMs = 24 * 3_600_000
  const runtime = { process: '@runtime' as ProcessName, epoch: 0 }
  put({ ...runtime, type: 'clock.stepped', data: { by_ms: dayMs } })
  expect(fold().purse.held).toBe(false)
  put({ ...runtime, type: 'clock.stepped', data: { by_ms: 2 * dayMs } })
  expect(fold().purse.held).toBe(true)
  put({ ...runtime, type: 'clock.confirmed', data: { by: 'operator' } })
  expect(fold().purse.held).toBe(false)
})
