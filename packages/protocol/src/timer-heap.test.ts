import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type TimerEntry, timerHeap } from './timer-heap.ts'

const step = fc.oneof(
  fc.record({ add: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ remove: fc.nat(40) }),
  fc.constant('take' as const),
)

test('leaves in the order of deadline, then of arming, whatever is removed meanwhile', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = timerHeap()
      const all: TimerEntry[] = []
      const living = new Set<TimerEntry>()
      for (const each of steps) {
        if (each === 'take') {
          const expected = [...living].sort((a, b) => a.deadline - b.deadline || a.order - b.order)[0]
          expect(heap.first()).toBe(expected)
          if (expected !== undefined) heap.remove(expected)
          if (expected !== undefined) living.delete(expected)
        } else if ('add' in each) {
          const entry = heap.add(each.add, () => {})
          all.push(entry)
          living.add(entry)
        } else {
          const entry = all[each.remove]
          if (entry !== undefined) heap.remove(entry)
          if (entry !== undefined) living.delete(entry)
        }
        expect(heap.size).toBe(living.size)
      }
    }),
  )
})

test('a cleared heap holds nothing, and removing what it held does nothing', () => {
  const heap = timerHeap()
  const entry = heap.add(1, () => {})
  heap.clear()
  heap.remove(entry)
  expect(heap.size).toBe(0)
  expect(heap.first()).toBeUndefined()
})
