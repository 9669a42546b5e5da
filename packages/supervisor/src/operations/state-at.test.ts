import type { JournalRecord } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alpha, worldOf } from '../../fixtures/process.ts'
import { pastState } from './state-at.ts'

const key = fc.constantFrom('a', 'b', 'c')
const writes = fc.record(
  {
    set: fc.dictionary(key, fc.integer(), { maxKeys: 2 }),
    delete: fc.uniqueArray(key, { maxLength: 1 }),
    add: fc.dictionary(key, fc.integer({ max: 9 }), { maxKeys: 1 }),
    append: fc.dictionary(key, fc.array(fc.integer(), { maxLength: 2 }), { maxKeys: 1 }),
  },
  { requiredKeys: [] },
)

/** A process with these commits, its records, and its state after each. */
function lived(commits: readonly object[]) {
  const { put, fold } = worldOf({ context: { initialState: { a: 1, d: 'first' } } })
  const records: JournalRecord[] = []
  const states: Record<string, unknown>[] = []
  commits.forEach((write, index) => {
    const event_id = `e${index}`
    const event = { event_id, trigger_id: 'm', type: 'manual', timestamp: 'now', payload: null, metadata: {} } as const
    put({ ...alpha, type: 'trigger.accepted', data: { event } })
    const data = { event_id, attempt: 1, result: null, writes: write }
    records.push(put({ ...alpha, type: 'turn.completed', turn: `t-${event_id}`, data }))
    states.push(Object.fromEntries(fold().state))
  })
  return { records, states, present: fold().state }
}

const first = {
  ...alpha,
  type: 'process.deployed',
  data: { revision: 1, manifest: { context: { initialState: { a: 1, d: 'first' } } }, bundle: 'b', by: 'x' },
} as unknown as JournalRecord

test('tells the state after any commit from the whole log', () => {
  fc.assert(
    fc.property(fc.array(writes, { minLength: 1, maxLength: 12 }), fc.nat(), (commits, pick) => {
      const { records, states, present } = lived(commits)
      const at = pick % records.length
      const past = pastState(true)
      past.apply(first)
      records.slice(0, at + 1).forEach(past.apply)
      records.slice(at + 1).forEach(past.later)
      const { values, unknown } = past.ended(present)
      expect([Object.fromEntries(values), unknown]).toEqual([states[at], []])
    }),
  )
})

test('of a log that was cut it tells what is certain, and names the rest', () => {
  fc.assert(
    fc.property(fc.array(writes, { minLength: 2, maxLength: 12 }), fc.nat(), fc.nat(), (commits, cut, pick) => {
      const { records, states, present } = lived(commits)
      const from = 1 + (cut % (records.length - 1))
      const at = from + (pick % (records.length - from))
      const past = pastState(false)
      records.slice(from, at + 1).forEach(past.apply)
      records.slice(at + 1).forEach(past.later)
      const { values, unknown } = past.ended(present)
      const expected = Object.fromEntries(Object.entries(states[at] ?? {}).filter(([name]) => !unknown.includes(name)))
      expect(Object.fromEntries(values)).toEqual(expected)
      // What nobody has written since the cut is what it is now.
      expect(unknown).not.toContain('d')
    }),
  )
})
