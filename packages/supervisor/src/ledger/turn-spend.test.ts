import type { Amounts, JournalRecord, RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { turnTally } from './turn-spend.ts'

const turn = 't-e1'
const intended = (key: string, reserved?: Amounts, kind = 'fetch', input: unknown = null): RecordDraft => ({
  ...{ ...alpha, turn, type: 'effect.intended' },
  data: { key, kind, input, repeatable: false, ...(reserved === undefined ? {} : { reserved }) },
})
const completed = (key: string, money: { spent?: Amounts; released?: Amounts }): RecordDraft => ({
  ...{ ...alpha, turn, type: 'effect.completed' },
  data: { key, kind: 'fetch', outcome: { ok: true, value: null }, ...money },
})
const resolved = (key: string, refunded: Amounts): RecordDraft => ({
  ...{ ...alpha, turn, type: 'doubt.resolved' },
  data: { key, outcome: 'retry', refunded, by: 'operator' },
})

/** What the records say, which the fold of an open turn has to say, too. */
function told(...drafts: RecordDraft[]) {
  const { put, fold } = worldOf({})
  const tally = turnTally()
  const add = (record: JournalRecord): void => tally.add(record)
  for (const draft of [accepted('e1'), started('e1'), ...drafts]) add(put(draft))
  return { ...tally.told(), fold: fold().turns.get(turn)?.purse }
}

test('the calls of a turn that cost something, and what they came to', () => {
  const pay = intended('pay', { usd: 2_000_000, tool_calls: 1 }, 'tool', { name: 'pay', input: 1 })
  const { fold, ...all } = told(
    ...[pay, intended('free'), completed('free', {}), intended('get', { usd: 500_000 })],
    completed('pay', { spent: { usd: 1_500_000, tool_calls: 1 }, released: { usd: 2_000_000, tool_calls: 1 } }),
  )
  const at = (second: number): string => new Date(second * 1_000).toISOString()
  expect(all).toEqual({
    spent: { usd: 1.5, toolCalls: 1 },
    reserved: { usd: 0.5 },
    calls: [
      { key: 'pay', kind: 'tool', tool: 'pay', at: at(4), spent: { usd: 1.5, toolCalls: 1 }, reserved: {} },
      { key: 'get', kind: 'fetch', at: at(7), spent: {}, reserved: { usd: 0.5 } },
    ],
  })
  expect(fold).toEqual({ spent: { usd: 1_500_000, tool_calls: 1 }, reserved: { usd: 500_000 } })
})

test('a call that is made again after a doubt is one call, with both payments and what was given back', () => {
  const again = intended('a', { usd: 1_000_000, tool_calls: 1 })
  const paid = completed('a', { spent: { usd: 1_000_000, tool_calls: 1 } })
  const { fold, spent, calls } = told(again, paid, resolved('a', { tool_calls: 1 }), again, paid)
  expect(spent).toEqual({ usd: 2, toolCalls: 1 })
  expect(calls).toHaveLength(1)
  expect(fold?.spent).toEqual({ usd: 2_000_000, tool_calls: 1 })
})

test('what a turn had begun when it ended is spent, and not again when its outcome comes in', () => {
  const charged: RecordDraft = { ...alpha, turn, type: 'budget.charged', data: { amounts: { usd: 3_000_000 } } }
  const { spent, reserved, calls } = told(
    ...[intended('a', { usd: 1_000_000 }), intended('b', { usd: 2_000_000 }), charged],
    completed('a', {}),
  )
  expect([spent, reserved]).toEqual([{ usd: 3 }, {}])
  expect(calls.map((call) => call.spent)).toEqual([{ usd: 1 }, { usd: 2 }])
})
