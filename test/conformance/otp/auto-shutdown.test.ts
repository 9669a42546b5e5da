import type { ExitCause } from '@vigil/protocol'
import { type ChildInput, type FlagsInput, supervisorMachine } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { type Bench, bench, child, crashed, killed, normal, shutdown, shutdownWith } from './bench.ts'

const modes = ['never', 'any_significant', 'all_significant'] as const
type Mode = (typeof modes)[number]
const byItself = { kind: 'shutdown', hint: 'auto_shutdown' }
const often = { intensity: 5, periodMs: 3_600_000 }
const significant = (id: string, restart: 'transient' | 'temporary' = 'transient'): ChildInput =>
  child(id, { restart, significant: true })
const terminate = (b: Bench, id: string) => expect(b.call({ ask: 'terminate_child', id })).toEqual({ ok: true })
/** Two that are significant and one that is not, all of one restart type. */
const three = (autoShutdown: Mode, restart: 'transient' | 'temporary', flags: FlagsInput = {}): Bench =>
  bench({ ...often, ...flags, autoShutdown }, [
    significant('a', restart),
    significant('b', restart),
    child('c', { restart }),
  ])
const livesOf = (b: Bench): number[] => b.machine.children().map(({ ref }) => ref as number)

describe('children that are not significant', () => {
  test.each(modes)('nonsignificant_temporary: no end of one ends a supervisor with %s', (autoShutdown) => {
    const b = bench({ autoShutdown })
    const start = () => b.call({ ask: 'start_child', child: child('a', { restart: 'temporary' }) })
    start()
    terminate(b, 'a')
    for (const cause of [killed, crashed, normal, shutdown]) {
      start()
      b.exit('a', cause)
      expect(b.down, cause.kind).toBeUndefined()
    }
    expect(b.machine.children()).toEqual([])
    b.end()
    expect(b.down).toEqual(shutdown)
  })

  test.each(modes)('nonsignificant_transient: no end of one ends a supervisor with %s; bad ones restart', (mode) => {
    const b = bench({ ...often, autoShutdown: mode }, [child('a', { restart: 'transient' })])
    terminate(b, 'a')
    b.call({ ask: 'restart_child', id: 'a' })
    for (const cause of [killed, crashed]) {
      const before = b.pid('a')
      b.exit('a', cause)
      expect(b.pid('a')).toBeTypeOf('number')
      expect(b.pid('a')).not.toBe(before)
    }
    b.exit('a', normal)
    expect(b.pid('a')).toBeUndefined()
    expect(b.down).toBeUndefined()
  })
})

describe('children that are significant', () => {
  test.each<[string, ExitCause]>([
    ['a kill', killed],
    ['an error', crashed],
    ['a good end', normal],
    ['a shutdown of its own', shutdownWith],
  ])('significant_temporary: %s ends the supervisor and all that stand under it', (_, cause) => {
    const b = three('any_significant', 'temporary')
    const [, ...others] = livesOf(b)
    b.ended()
    b.exit('a', cause)
    expect(b.ended()).toEqual(['a', 'c', 'b'])
    expect(others.map((ref) => b.causeOf(ref))).toEqual([shutdown, shutdown])
    expect(b.down).toEqual(byItself)
  })

  test('significant_temporary: who is terminated by request ends nobody else', () => {
    const b = three('any_significant', 'temporary')
    terminate(b, 'a')
    expect(b.machine.counts().active).toBe(2)
    expect(b.down).toBeUndefined()
  })

  test('significant_temporary: with all_significant only the last of them ends the supervisor', () => {
    const b = three('all_significant', 'temporary')
    b.exit('a', normal)
    expect([b.machine.counts().active, b.down]).toEqual([2, undefined])
    b.exit('b', normal)
    expect(b.down).toEqual(byItself)
  })

  test('significant_temporary: the last two that end at one instant end the supervisor', () => {
    const b = three('all_significant', 'temporary')
    b.exitAll(['a', 'b'], crashed)
    expect(b.down).toEqual(byItself)
  })

  test('significant_transient: a request and bad ends do not end the supervisor, a good end does', () => {
    const b = three('any_significant', 'transient')
    const [, second, third] = livesOf(b)
    terminate(b, 'a')
    b.call({ ask: 'restart_child', id: 'a' })
    for (const cause of [killed, crashed]) {
      const before = b.pid('a')
      b.exit('a', cause)
      expect(b.pid('a')).not.toBe(before)
      expect([b.pid('b'), b.pid('c'), b.down]).toEqual([second, third, undefined])
    }
    b.exit('a', normal)
    expect(b.down).toEqual(byItself)
    expect(b.machine.counts().active).toBe(0)
  })

  test('significant_transient: with all_significant only the last of them ends the supervisor', () => {
    const b = three('all_significant', 'transient')
    b.exit('a', normal)
    expect([b.machine.counts().active, b.down]).toEqual([2, undefined])
    b.exit('b', normal)
    expect(b.down).toEqual(byItself)
  })

  test('significant_transient: one that waits for its restart is not over', () => {
    const slow = { baseMs: 1_000, maxMs: 1_000, stableMs: 0 }
    const b = bench({ ...often, autoShutdown: 'all_significant' }, [
      significant('a'),
      child('b', { restart: 'transient', significant: true, backoff: slow }),
    ])
    b.exit('b', crashed)
    b.exit('a', normal)
    expect([b.pid('b'), b.down]).toEqual(['restarting', undefined])
    b.advance(1_000)
    b.exit('b', normal)
    expect(b.down).toEqual(byItself)
  })

  test.each(['any_significant', 'all_significant'] as const)(
    'significant_simple: a simple_one_for_one cannot end by itself, with %s',
    (autoShutdown) => {
      const make = () => supervisorMachine({ strategy: 'simple_one_for_one', autoShutdown }, [child('kind')])
      expect(make).toThrow(/autoShutdown: expected never, because the strategy is simple_one_for_one/)
      expect(bench({ strategy: 'simple_one_for_one', autoShutdown: 'never' }, [child('kind')]).isUp).toBe(true)
    },
  )

  const strategies = ['one_for_one', 'one_for_all', 'rest_for_one'] as const
  test.each(
    strategies.flatMap((strategy) =>
      (['any_significant', 'all_significant'] as const).flatMap((mode) =>
        (['transient', 'temporary'] as const).map((restart) => [strategy, mode, restart] as const),
      ),
    ),
  )(
    'significant_bystander: under %s with %s a %s sibling that goes down with another ends nobody',
    (strategy, autoShutdown, restart) => {
      const b = bench({ ...often, strategy, autoShutdown }, [
        significant('a', restart),
        child('b', { restart: 'transient' }),
        significant('c', restart),
      ])
      const [a, , c] = livesOf(b) as [number, number, number]
      b.exit('b', killed)
      expect(b.down).toBeUndefined()
      expect([b.isAlive(a), b.isAlive(c)]).toEqual([strategy !== 'one_for_all', strategy === 'one_for_one'])
      b.end()
      expect(b.down).toEqual(shutdown)
    },
  )
})

describe('changing what is significant', () => {
  const change = (b: Bench, autoShutdown: Mode, children?: readonly ChildInput[]) =>
    b.call({ ask: 'change', flags: { autoShutdown }, ...(children === undefined ? {} : { children }) })
  const refusesSignificant = (b: Bench, id: string): void => {
    const message = expect.stringContaining('because autoShutdown is never')
    expect(b.call({ ask: 'start_child', child: significant(id) })).toEqual({ ok: false, error: 'invalid', message })
  }

  /** From never to a mode: none could be there before, two are after. */
  function fromNever(mode: Mode): Bench {
    const b = bench({ autoShutdown: 'never' })
    refusesSignificant(b, 'a')
    expect(change(b, mode)).toEqual({ ok: true })
    for (const id of ['a', 'b'])
      expect(b.call({ ask: 'start_child', child: significant(id) })).toMatchObject({ ok: true })
    b.exit('a', normal)
    return b
  }
  test('significant_upgrade_never_any: the first good end after it ends the supervisor', () => {
    expect(fromNever('any_significant').down).toEqual(byItself)
  })
  test('significant_upgrade_never_all: the last good end after it ends the supervisor', () => {
    const b = fromNever('all_significant')
    expect(b.down).toBeUndefined()
    b.exit('b', normal)
    expect(b.down).toEqual(byItself)
  })

  /** From a mode to never: who is there stays significant in name, and ends nobody. */
  function toNever(mode: Mode): void {
    const b = bench({ autoShutdown: mode })
    b.call({ ask: 'start_child', child: significant('a') })
    expect(change(b, 'never')).toEqual({ ok: true })
    expect([b.isUp, b.pid('a'), b.down]).toEqual([true, expect.any(Number), undefined])
    refusesSignificant(b, 'b')
    b.exit('a', normal)
    expect(b.down).toBeUndefined()
    expect(b.call({ ask: 'restart_child', id: 'a' })).toMatchObject({ ok: true })
    const again = b.pid('a') as number
    b.end()
    expect([b.causeOf(again), b.down]).toEqual([shutdown, shutdown])
  }
  test('significant_upgrade_any_never: later ends end nobody, and no significant child is taken', () =>
    toNever('any_significant'))
  test('significant_upgrade_all_never: later ends end nobody, and no significant child is taken', () =>
    toNever('all_significant'))

  function between(from: Mode, to: Mode): Bench {
    const b = bench({ autoShutdown: from })
    for (const id of ['a', 'b']) b.call({ ask: 'start_child', child: significant(id) })
    expect(change(b, to)).toEqual({ ok: true })
    expect([b.machine.counts().active, b.down]).toEqual([2, undefined])
    b.exit('a', normal)
    return b
  }
  test('significant_upgrade_any_all: after it the first end is borne and the last is not', () => {
    const b = between('any_significant', 'all_significant')
    expect([b.isAlive(b.pid('b') as number), b.down]).toEqual([true, undefined])
    b.exit('b', normal)
    expect(b.down).toEqual(byItself)
  })
  test('significant_upgrade_all_any: after it the first end ends the supervisor', () => {
    expect(between('all_significant', 'any_significant').down).toEqual(byItself)
  })

  test('significant_upgrade_child: refused under never, and nothing of it is taken over', () => {
    const b = bench({ autoShutdown: 'never' }, [child('a', { restart: 'transient' })])
    expect(change(b, 'never', [significant('a')])).toMatchObject({ ok: false, error: 'invalid' })
    expect(b.machine.spec('a')?.significant).toBe(false)
    expect([b.pid('a'), b.down]).toEqual([expect.any(Number), undefined])
  })
  test('significant_upgrade_child: a living child becomes significant, or is so no longer', () => {
    const plain = child('a', { restart: 'transient' })
    const raised = bench({ autoShutdown: 'any_significant' }, [plain])
    const life = raised.pid('a')
    expect(change(raised, 'any_significant', [significant('a')])).toEqual({ ok: true })
    expect([raised.pid('a'), raised.down]).toEqual([life, undefined])
    raised.exit('a', normal)
    expect(raised.down).toEqual(byItself)

    const lowered = bench({ autoShutdown: 'any_significant' }, [significant('a')])
    expect(change(lowered, 'any_significant', [plain])).toEqual({ ok: true })
    lowered.exit('a', normal)
    expect(lowered.down).toBeUndefined()
  })
})
