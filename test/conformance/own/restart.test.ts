import { describe, expect, test } from 'vitest'
import { bench, child, crashed, shutdown } from '../otp/bench.ts'

const often = { intensity: 100, periodMs: 1_000 }
const backoff = { baseMs: 1_000, maxMs: 60_000, stableMs: 60_000 }

describe('restart', () => {
  test('backoff_schedule_exact: it doubles from the base to the cap, and nothing starts a moment early', () => {
    const b = bench(often, [child('a', { backoff })])
    b.started()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      b.exit('a', crashed)
      expect(b.pid('a')).toBe('restarting')
      b.advance(seconds * 1_000 - 1)
      expect(b.started()).toEqual([])
      b.advance(1)
      expect(b.started()).toEqual(['a'])
    }
  })

  test('backoff_schedule_exact: chance takes up to a quarter away', () => {
    const wait = (chance: number) => {
      const b = bench(often, [child('a', { backoff })])
      const ref = b.pid('a') as number
      return b.tree.handle({ type: 'exited', ref, cause: crashed, chance }, 0).find((action) => action.do === 'arm')?.ms
    }
    expect([0, 0.5, 0.999].map(wait)).toEqual([1_000, 875, 750])
  })

  test('backoff_resets_after_stable: one stable life, and the next crash waits as the first did', () => {
    const b = bench(often, [child('a', { backoff })])
    b.exit('a', crashed)
    b.advance(1_000)
    b.exit('a', crashed)
    b.advance(2_000)
    b.advance(59_999)
    b.exit('a', crashed)
    b.advance(3_999)
    expect(b.pid('a'), 'not stable by a millisecond').toBe('restarting')
    b.advance(1)
    b.advance(60_000)
    b.exit('a', crashed)
    b.advance(1_000)
    expect(b.pid('a')).toEqual(expect.any(Number))
  })

  test.each([0, 1_100])(
    'crash_after_ready_counts, crash_1100ms_after_start_counts: lives of %d ms are a crash loop',
    (aliveMs) => {
      const b = bench({ intensity: 3, periodMs: 60_000 }, [child('a', { backoff: { ...backoff, stableMs: 1_000 } })])
      let lives = 1
      while (b.down === undefined && lives < 100) {
        b.advance(aliveMs)
        b.exit('a', crashed)
        while (b.pid('a') === 'restarting') b.advance(1_000)
        lives += 1
      }
      expect([lives - 1, b.down]).toEqual([4, { kind: 'shutdown', hint: 'reached_max_restart_intensity' }])
    },
  )

  test('time in backoff is no time alive: waits do not carry a crash loop over its period', () => {
    const b = bench({ intensity: 3, periodMs: 5_000 }, [child('a', { backoff })])
    for (const wait of [1_000, 2_000, 4_000]) {
      b.exit('a', crashed)
      b.advance(wait)
    }
    b.exit('a', crashed)
    expect(b.down).toBeDefined()
  })

  test('bootstrap_failure_not_sticky: starts that failed are tried again, and one that succeeds is a life as any', () => {
    const b = bench({ ...often, firstStart: 'is_retried' }, [
      child('a', { backoff }, { starts: (nth) => (nth < 4 ? 'error' : 'ok') }),
    ])
    expect([b.isUp, b.pid('a')]).toEqual([true, 'restarting'])
    b.advance(7_000)
    expect(b.pid('a')).toEqual(expect.any(Number))
    expect(b.started()).toEqual(['a', 'a', 'a', 'a'])
  })

  test('a first start that fails for good ends the supervisor by its intensity', () => {
    const b = bench({ intensity: 2, periodMs: 1_000, firstStart: 'is_retried' }, [
      child('a', {}, { starts: () => 'error' }),
    ])
    expect(b.down).toEqual({ kind: 'shutdown', hint: 'reached_max_restart_intensity' })
    expect(b.started()).toHaveLength(3)
  })

  test.each([
    ['one_for_one', ['a', 'b', 'c', 'b']],
    ['rest_for_one', ['a', 'b', 'b', 'c']],
    ['one_for_all', ['a', 'b', 'a', 'b', 'c']],
  ] as const)('a first start that fails once: %s starts %s', (strategy, order) => {
    const flaky = { starts: (nth: number) => (nth === 1 ? ('error' as const) : ('ok' as const)) }
    const b = bench({ strategy, firstStart: 'is_retried' }, [child('a'), child('b', {}, flaky), child('c')])
    expect(b.started()).toEqual(order)
    expect(b.isUp).toBe(true)
  })

  test('crash_loop_is_logged_each_time: each crash is told with its cause and the wait that follows', () => {
    const b = bench(often, [child('a', { backoff })])
    for (const ms of [1_000, 2_000, 4_000]) {
      const ref = b.pid('a') as number
      const actions = b.tree.handle({ type: 'exited', ref, cause: crashed }, 0)
      expect(actions).toContainEqual({ do: 'restarting', path: ['a'], ms })
      expect(actions).toContainEqual(expect.objectContaining({ do: 'report' }))
      const timer = actions.find((action) => action.do === 'arm')?.timer as number
      const [start] = b.tree.handle({ type: 'elapsed', timer }, 0)
      b.tree.handle({ type: 'started', ref: (start as { ref: number }).ref }, 0)
    }
  })
})

describe('kill', () => {
  test('stop_during_backoff_is_immediate: nothing is waited for, and nothing starts afterwards', () => {
    const b = bench(often, [child('a', { backoff })])
    b.exit('a', crashed)
    b.started()
    b.end()
    expect(b.down).toEqual(shutdown)
    b.advance(3_600_000)
    expect(b.started()).toEqual([])
  })

  test('kill_during_start: who hangs in its start is asked, then killed, and never counts as started', () => {
    const b = bench({}, [child('a', { shutdown: 1_000 }, { starts: () => 'hang', stops: 'never' })])
    b.end()
    b.advance(999)
    expect(b.down).toBeUndefined()
    b.advance(1)
    expect([b.down, b.isUp]).toEqual([shutdown, false])
  })

  test('double_stop_idempotent: who is asked twice ends once', () => {
    const b = bench({}, [child('a', { shutdown: 1_000 }, { stops: { afterMs: 500 } })])
    b.end()
    b.end()
    b.advance(500)
    expect([b.down, b.ended()]).toEqual([shutdown, ['a']])
    b.end()
    expect(b.ended()).toEqual([])
  })
})
