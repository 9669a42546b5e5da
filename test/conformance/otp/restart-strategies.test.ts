import { describe, expect, test } from 'vitest'
import { type Behaviour, bench, cannotStart, child, crashed, killed } from './bench.ts'

/** Fails every start from the nth on. */
const failsFrom = (nth: number): Behaviour => ({ starts: (n) => (n >= nth ? 'error' : 'ok') })
/** Fails its nth start only. */
const failsAt = (...bad: number[]): Behaviour => ({ starts: (n) => (bad.includes(n) ? 'error' : 'ok') })
const exhausted = { kind: 'shutdown', hint: 'reached_max_restart_intensity' }
const often = { intensity: 2, periodMs: 3_600_000 }

describe('restart strategies', () => {
  test('one_for_one: only the dead child is replaced; the third crash in the window ends the supervisor', () => {
    const b = bench({ strategy: 'one_for_one', ...often }, [child('a'), child('b')])
    const [a, other] = [b.pid('a'), b.pid('b')]
    b.exit('a', crashed)
    expect(b.pid('a')).not.toBe(a)
    expect(b.pid('b')).toBe(other)
    b.exit('b', crashed)
    expect(b.down).toBeUndefined()
    b.exit('a', crashed)
    expect(b.down).toEqual(exhausted)
  })

  test('one_for_one_escalation: a child whose restart fails takes supervisor and sibling down', () => {
    const b = bench({ strategy: 'one_for_one', intensity: 4, periodMs: 3_600_000 }, [
      child('a', {}, failsFrom(2)),
      child('b'),
    ])
    const sibling = b.pid('b') as number
    b.exit('a', crashed)
    expect(b.down).toEqual(exhausted)
    expect(b.causeOf(sibling)).toEqual({ kind: 'shutdown' })
  })

  test('one_for_all: all old lives end, all are new; then the frequency limit', () => {
    const b = bench({ strategy: 'one_for_all', ...often }, [child('a'), child('b')])
    for (const id of ['a', 'b']) {
      const before = [b.pid('a'), b.pid('b')]
      b.exit(id, crashed)
      expect(b.machine.children().map(({ id }) => id)).toEqual(['a', 'b'])
      expect(before).not.toContain(b.pid('a'))
      expect(before).not.toContain(b.pid('b'))
    }
    b.exit('a', crashed)
    expect(b.down).toEqual(exhausted)
  })

  test('one_for_all_escalation: the second child fails to start on the restart of the group, all go down', () => {
    const b = bench({ strategy: 'one_for_all', intensity: 4, periodMs: 3_600_000 }, [
      child('a'),
      child('b', {}, failsFrom(2)),
    ])
    b.exit('a', crashed)
    expect(b.down).toEqual(exhausted)
    expect(b.machine.counts().active).toBe(0)
  })

  test('one_for_all_other_child_fails_restart: those already restarted are stopped, and the group is tried again', () => {
    const b = bench({ strategy: 'one_for_all', intensity: 3, periodMs: 3_600_000 }, [
      child('a'),
      child('b', {}, failsAt(2)),
    ])
    b.started()
    b.ended()
    b.exit('a', crashed)
    expect(b.started()).toEqual(['a', 'b', 'a', 'b'])
    // b is asked first, then a dies; a's second life is stopped in good order when b could not start.
    expect(b.ended()).toEqual(['a', 'b', 'a'])
    expect(b.reports.map(({ context }) => context)).toEqual(['child_terminated', 'start_error'])
    expect(b.machine.counts().active).toBe(2)
  })

  test('simple_one_for_one: as one_for_one, for instances', () => {
    const b = bench({ strategy: 'simple_one_for_one', ...often }, [child('kind')])
    for (const _ of [1, 2]) b.call({ ask: 'start_instance' })
    const [first, second] = b.machine.children().map(({ id }) => id) as [string, string]
    const sibling = b.pid(second)
    b.exit(first, crashed)
    expect(b.pid(second)).toBe(sibling)
    b.exit(second, crashed)
    b.exit(first, crashed)
    expect(b.down).toEqual(exhausted)
  })

  test('simple_one_for_one_shutdown: the budget is for all at once; the slow finish, the slowest is killed', () => {
    const slow = (afterMs: number): Behaviour => ({ stops: { afterMs } })
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { shutdown: 1_000 }, slow(900))])
    for (const _ of [1, 2, 3]) b.call({ ask: 'start_instance' })
    const refs = b.machine.children().map(({ ref }) => ref as number)
    b.end()
    expect(b.down).toBeUndefined()
    b.advance(900)
    expect(refs.map((ref) => b.causeOf(ref)?.kind)).toEqual(['shutdown', 'shutdown', 'shutdown'])
    expect(b.down).toEqual({ kind: 'shutdown' })

    const late = bench({ strategy: 'simple_one_for_one' }, [child('kind', { shutdown: 1_000 }, slow(1_100))])
    late.call({ ask: 'start_instance' })
    const ref = late.machine.children()[0]?.ref as number
    late.end()
    late.advance(1_000)
    expect(late.causeOf(ref)).toEqual(killed)
    expect(late.down).toEqual({ kind: 'shutdown' })
  })

  test('simple_one_for_one_extra: a start may say more, and a restart says nothing to anyone', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', {}, { starts: () => ({ info: 'extra' }) })])
    expect(b.call({ ask: 'start_instance' })).toMatchObject({ ok: true, info: 'extra' })
    const [{ id, ref } = { id: '', ref: 0 }] = b.machine.children()
    b.exit(id, crashed)
    expect(b.pid(id)).not.toBe(ref)
    expect(b.down).toBeUndefined()
  })

  test('simple_one_for_one_escalation: a restart that fails takes all down', () => {
    const b = bench({ strategy: 'simple_one_for_one', intensity: 4, periodMs: 3_600_000 }, [
      child('kind', {}, failsFrom(3)),
    ])
    for (const _ of [1, 2]) b.call({ ask: 'start_instance' })
    const [first, second] = b.machine.children()
    b.exit(first?.id ?? '', crashed)
    expect(b.down).toEqual(exhausted)
    expect(b.causeOf(second?.ref as number)).toEqual({ kind: 'shutdown' })
  })

  test('simple_one_for_one_corruption: nothing is kept of a temporary instance that died', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart: 'temporary' })])
    b.call({ ask: 'start_instance', args: { large: 'x'.repeat(1_000) } })
    b.exit(b.machine.children()[0]?.id ?? '', killed)
    expect(b.machine.children()).toEqual([])
    expect(b.machine.counts()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 0 })
  })

  test.each(['transient', 'permanent'] as const)(
    'simple_one_for_one_restart_ignore: a %s instance that ignores its restart is dropped',
    (restart) => {
      const starts: Behaviour['starts'] = (nth) => (nth === 1 ? 'ok' : 'ignore')
      const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart }, { starts })])
      b.call({ ask: 'start_instance' })
      b.exit(b.machine.children()[0]?.id ?? '', crashed)
      expect(b.machine.children()).toEqual([])
      expect(b.down).toBeUndefined()
    },
  )

  test('rest_for_one: only later siblings go down with it and are replaced; then the frequency limit', () => {
    const b = bench({ strategy: 'rest_for_one', ...often }, [child('a'), child('b'), child('c')])
    const [a, bb, c] = ['a', 'b', 'c'].map((id) => b.pid(id))
    b.ended()
    b.exit('b', crashed)
    expect(b.ended()).toEqual(['b', 'c'])
    expect(b.pid('a')).toBe(a)
    expect(b.pid('b')).not.toBe(bb)
    expect(b.pid('c')).not.toBe(c)
    b.exit('c', crashed)
    b.exit('c', crashed)
    expect(b.down).toEqual(exhausted)
  })

  test('rest_for_one_escalation: a later sibling cannot start, the supervisor goes down', () => {
    const b = bench({ strategy: 'rest_for_one', intensity: 4, periodMs: 3_600_000 }, [
      child('a'),
      child('b', {}, failsFrom(2)),
    ])
    b.exit('a', crashed)
    expect(b.down).toEqual(exhausted)
    expect(b.reports.at(-1)).toMatchObject({ context: 'shutdown', reason: cannotStart })
  })

  test('rest_for_one_other_child_fails_restart: only the one that failed and those after it are tried again', () => {
    const b = bench({ strategy: 'rest_for_one', intensity: 3, periodMs: 3_600_000 }, [
      child('a'),
      child('b', {}, failsAt(2)),
      child('c'),
    ])
    b.started()
    b.exit('a', crashed)
    expect(b.started()).toEqual(['a', 'b', 'b', 'c'])
    expect(b.machine.counts().active).toBe(3)
  })
})
