import { expect, test } from 'vitest'
import type { JournalRecord } from './records.ts'
import { recordVersion, upcast } from './upcast.ts'

const record = (data: unknown) => ({ seq: 7, type: 'state.patched', data }) as JournalRecord

/** As if the operator had once been called `who`, and `set` had once been a list of pairs. */
const lifts = {
  'state.patched': [
    (data: unknown) => {
      const { who, ...rest } = data as { who: string }
      return { ...rest, by: who }
    },
    (data: unknown) => ({ ...(data as object), set: Object.fromEntries((data as { set: [string, unknown][] }).set) }),
  ],
}

test('an older record is lifted step by step, and what is new is left alone', () => {
  const today = record({ set: { a: 1 }, by: 'me' })
  expect(upcast(record({ set: [['a', 1]], who: 'me' }), 1, lifts)).toEqual(today)
  expect(upcast(record({ set: [['a', 1]], by: 'me' }), 2, lifts)).toEqual(today)
  expect(upcast(today, recordVersion('state.patched', lifts), lifts)).toBe(today)
  expect(upcast({ ...today, type: 'runtime.stopped', data: {} }, 1, lifts).data).toEqual({})
})

test('a record of a later version is refused', () => {
  expect(() => upcast(record({}), 2)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }))
  expect(() => upcast(record({}), 4, lifts)).toThrow(/record 7 \(state.patched\) in version 3 or older, found 4/)
})
