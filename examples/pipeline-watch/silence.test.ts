import { expect, test } from 'vitest'
import { heard, ticked, type Watch } from './silence.ts'

/** Ticks at these times; answers those that raised the alarm. */
function alarms(start: Watch | undefined, times: readonly number[]): number[] {
  const raised: number[] = []
  let watch = start
  for (const now of times) {
    const tick = ticked(watch, now)
    watch = tick.watch
    if (tick.alarm) raised.push(now)
  }
  return raised
}

test('a minute without data raises the alarm, and goes on raising none', () => {
  expect(alarms(heard(0), [10_000, 59_999, 60_000, 70_000, 600_000])).toEqual([60_000])
})

test('data ends the silence, and the next one is told again', () => {
  const { watch } = ticked(heard(0), 60_000)
  expect(watch.told).toBe(true)
  expect(alarms(heard(65_000), [120_000, 125_000])).toEqual([125_000])
})

test('a stream that never began is silent a minute after the first tick', () => {
  expect(alarms(undefined, [1_000_000, 1_059_000, 1_060_000])).toEqual([1_060_000])
})
