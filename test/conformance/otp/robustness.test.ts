import type { ChildInput, FlagsInput } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { type Behaviour, type Bench, bench, child, crashed, killed, shutdown } from './bench.ts'

const counts = (specs: number, active: number, workers = specs) => ({ specs, active, supervisors: 0, workers })
const often = { intensity: 8, periodMs: 10_000 }
const backoff = { baseMs: 100, maxMs: 400, stableMs: 0 }
const row = (id: string, ref: unknown) => ({ id, ref, type: 'worker' })

describe('a child that does not listen', () => {
  test('child_unlink: who ignores that it is to end is killed, and all that waited for that are answered', () => {
    const b = bench({ intensity: 2 }, [child('deaf', { shutdown: 1_000 }, { stops: 'never' }), child('other')])
    const deaf = b.pid('deaf') as number
    expect(b.call({ ask: 'terminate_child', id: 'deaf' })).toBeUndefined()
    expect(b.call({ ask: 'restart_child', id: 'other' })).toBeUndefined()
    b.advance(999)
    expect([b.isAlive(deaf), b.reply]).toEqual([true, undefined])
    b.advance(1)
    expect(b.causeOf(deaf)).toEqual(killed)
    expect(b.reply).toEqual({ ok: false, error: 'running' })
    expect(b.machine.children()).toEqual([row('deaf', undefined), row('other', expect.any(Number))])
    expect(b.reports).toMatchObject([{ context: 'shutdown_error', reason: killed, offender: { id: 'deaf' } }])
  })
})

/** A child whose starts hang, once that is wanted, until the test lets them fail. */
function hangs(): { readonly behaviour: Behaviour; readonly set: (hanging: boolean) => void } {
  let hanging = false
  return {
    behaviour: { starts: () => (hanging ? 'hang' : 'ok') },
    set: (wanted) => {
      hanging = wanted
    },
  }
}

/** Asked while the start of `id` hangs; heard between this attempt and the next. */
function between(b: Bench, id: string, request: Parameters<Bench['call']>[0]): Bench['reply'] {
  expect(b.call(request), 'while a start hangs').toBeUndefined()
  b.answer(b.pid(id) as number, 'error')
  return b.reply
}

/** The same questions get the same answers, wherever a child hangs in its restart. */
function expectRestarting(ask: (request: Parameters<Bench['call']>[0]) => Bench['reply'], a: ChildInput): void {
  expect(ask({ ask: 'start_child', child: a })).toEqual({ ok: false, error: 'already_present' })
  expect(ask({ ask: 'restart_child', id: a.id })).toEqual({ ok: false, error: 'restarting' })
  expect(ask({ ask: 'delete_child', id: a.id })).toEqual({ ok: false, error: 'restarting' })
}

describe('a restart that does not come to an end', () => {
  test('hanging_restart_loop: requests are heard between attempts, and the end is not kept waiting', () => {
    const { behaviour, set } = hangs()
    const a = child('a', { shutdown: 'kill' }, behaviour)
    const b = bench(often, [a])
    set(true)
    b.exit('a', crashed)
    expectRestarting((request) => between(b, 'a', request), a)
    expect(between(b, 'a', { ask: 'terminate_child', id: 'a' })).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([row('a', undefined)])

    set(false)
    expect(b.call({ ask: 'restart_child', id: 'a' })).toMatchObject({ ok: true })
    set(true)
    b.exit('a', crashed)
    const hanging = b.pid('a') as number
    b.end()
    expect([b.causeOf(hanging), b.down]).toEqual([killed, shutdown])
  })

  test('hanging_restart_loop: while it backs off it is restarting, and the end is not kept waiting', () => {
    let failing = false
    const a = child('a', { shutdown: 'kill', backoff }, { starts: () => (failing ? 'error' : 'ok') })
    const b = bench(often, [a])
    failing = true
    b.exit('a', crashed)
    b.advance(1_000)
    expectRestarting((request) => b.call(request), a)
    expect(b.machine.children()).toEqual([row('a', 'restarting')])
    expect(b.machine.counts()).toEqual(counts(1, 0))
    expect(b.call({ ask: 'terminate_child', id: 'a' })).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([row('a', undefined)])
    b.started()
    b.advance(10_000)
    expect(b.started()).toEqual([])

    failing = false
    expect(b.call({ ask: 'restart_child', id: 'a' })).toMatchObject({ ok: true })
    failing = true
    b.exit('a', crashed)
    b.end()
    expect(b.down).toEqual(shutdown)
  })

  test('hanging_restart_loop_rest_for_one: those after it wait, the one before it is left alone', () => {
    const { behaviour, set } = hangs()
    const middle = child('b', { shutdown: 'kill' }, behaviour)
    const b = bench({ strategy: 'rest_for_one', ...often }, [
      child('a', { shutdown: 'kill' }),
      middle,
      child('c', { shutdown: 'kill' }),
    ])
    const first = b.pid('a')
    set(true)
    b.exit('b', crashed)
    expect(b.machine.children()).toEqual([row('a', first), row('b', expect.any(Number)), row('c', undefined)])
    expectRestarting((request) => between(b, 'b', request), middle)
    expect(between(b, 'b', { ask: 'terminate_child', id: 'b' })).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([row('a', first), row('b', undefined), row('c', undefined)])
    expect(b.machine.counts()).toEqual(counts(3, 1))

    set(false)
    expect(b.call({ ask: 'restart_child', id: 'b' })).toMatchObject({ ok: true })
    set(true)
    b.exit('b', crashed)
    const hanging = b.pid('b') as number
    b.end()
    expect([b.causeOf(hanging), b.causeOf(first as number), b.down]).toEqual([killed, killed, shutdown])
  })

  test('hanging_restart_loop_rest_for_one: terminated while it backs off, those that waited for it go on', () => {
    let failing = false
    const middle = child('b', { backoff }, { starts: () => (failing ? 'error' : 'ok') })
    const b = bench({ strategy: 'rest_for_one', ...often }, [child('a'), middle, child('c')])
    const first = b.pid('a')
    failing = true
    b.exit('b', crashed)
    b.advance(1_000)
    expect(b.machine.children()).toEqual([row('a', first), row('b', 'restarting'), row('c', undefined)])
    expect(b.machine.counts()).toEqual(counts(3, 1))
    expectRestarting((request) => b.call(request), middle)
    expect(b.call({ ask: 'terminate_child', id: 'b' })).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([row('a', first), row('b', undefined), row('c', expect.any(Number))])
  })

  test('hanging_restart_loop_simple: an instance can be terminated between attempts, and the end is at once', () => {
    const { behaviour, set } = hangs()
    const b = bench({ strategy: 'simple_one_for_one', ...often }, [child('kind', { shutdown: 'kill' }, behaviour)])
    b.call({ ask: 'start_instance' })
    set(true)
    b.exit('kind#1', crashed)
    for (const ask of ['restart_child', 'delete_child'] as const)
      expect(between(b, 'kind#1', { ask, id: 'kind' })).toEqual({ ok: false, error: 'simple_one_for_one' })
    expect(b.machine.counts().workers).toBe(1)
    expect(between(b, 'kind#1', { ask: 'terminate_child', id: 'kind#1' })).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([])

    set(false)
    expect(b.call({ ask: 'start_instance' })).toMatchObject({ ok: true, id: 'kind#2' })
    set(true)
    b.exit('kind#2', crashed)
    const hanging = b.pid('kind#2') as number
    b.end()
    expect([b.causeOf(hanging), b.down]).toEqual([killed, shutdown])
  })
})

describe('changing a supervisor that lives', () => {
  const change = (b: Bench, flags?: FlagsInput, children?: readonly ChildInput[]) =>
    b.call({
      ask: 'change',
      ...(flags === undefined ? {} : { flags }),
      ...(children === undefined ? {} : { children }),
    })
  const invalid = (message: RegExp) => ({ ok: false, error: 'invalid', message: expect.stringMatching(message) })

  test('code_change: children that are new are not started, those that are missing are not stopped', () => {
    const b = bench({ intensity: 0, periodMs: 1_000 })
    expect(change(b, {}, [{ id: 'a' } as ChildInput])).toEqual(invalid(/start of a/))
    expect(b.machine.children()).toEqual([])
    const [a, second] = [child('a', { shutdown: 2_000 }), child('b', { shutdown: 'kill' })]
    expect(change(b, {}, [a, second])).toEqual({ ok: true })
    expect(b.machine.children()).toEqual([row('a', undefined), row('b', undefined)])
    expect(b.started()).toEqual([])
    for (const id of ['a', 'b']) expect(b.call({ ask: 'restart_child', id })).toMatchObject({ ok: true })
    const lives = [b.pid('a'), b.pid('b')]

    expect(change(b, {}, [child('a', { shutdown: 1_000 }), child('c')])).toEqual({ ok: true })
    // In the order of the new list; who is missing there stands behind it, as the last that was started.
    expect(b.machine.children()).toEqual([row('a', lives[0]), row('c', undefined), row('b', lives[1])])
    expect(change(b)).toEqual({ ok: true })
    expect(b.machine.children()).toHaveLength(3)
    b.ended()
    b.end()
    expect(b.ended()).toEqual(['b', 'a'])
  })

  test('code_change: new flags are those of the next incident, and bad ones change nothing', () => {
    const b = bench({ intensity: 0, periodMs: 1_000 }, [child('a')])
    expect(change(b, { intensity: 1, periodMs: 3_000 })).toEqual({ ok: true })
    b.exit('a', crashed)
    expect(b.down).toBeUndefined()
    const faulty = 'faulty' as unknown
    expect(change(b, { intensity: faulty as number })).toEqual(invalid(/intensity: .*found "faulty"/))
    expect(change(b, faulty as FlagsInput)).toEqual(invalid(/a supervisor: expected flags/))
    expect(change(b, 5 as unknown as FlagsInput)).toEqual(invalid(/a supervisor: expected flags/))
    expect(change(b, {}, faulty as ChildInput[])).toEqual(invalid(/children: expected a list/))
    b.advance(2_999)
    b.exit('a', crashed)
    expect(b.down).toEqual({ kind: 'shutdown', hint: 'reached_max_restart_intensity' })
  })

  test('code_change_map: the changed specification can be read, and counts for lives that there are', () => {
    const deaf: Behaviour = { stops: 'never' }
    const b = bench({}, [child('a', { shutdown: 2_000 }, deaf)])
    const life = b.pid('a') as number
    expect(change(b, { intensity: 1, periodMs: 3_000 }, [child('a', { shutdown: 1_000 }, deaf), child('b')])).toEqual({
      ok: true,
    })
    expect(b.machine.spec('a')).toMatchObject({ shutdown: 1_000, restart: 'permanent' })
    expect(b.machine.spec('b')).toMatchObject({ shutdown: 5_000 })
    expect(b.pid('a')).toBe(life)
    b.call({ ask: 'terminate_child', id: 'a' })
    b.advance(1_000)
    expect(b.causeOf(life)).toEqual(killed)
  })

  test('code_change_map: it is taken whole or not at all', () => {
    const b = bench({ intensity: 0 }, [child('a', { shutdown: 2_000 })])
    const bad = child('b', { significant: true, restart: 'transient' })
    expect(change(b, { intensity: 5 }, [child('a', { shutdown: 1_000 }), bad])).toEqual(invalid(/significant of b/))
    expect(change(b, { intensity: 5 }, [child('a'), child('a')])).toEqual(invalid(/a name of its own/))
    expect(b.machine.spec('a')).toMatchObject({ shutdown: 2_000 })
    expect(b.machine.children().map(({ id }) => id)).toEqual(['a'])
    b.exit('a', crashed)
    expect(b.down).toEqual({ kind: 'shutdown', hint: 'reached_max_restart_intensity' })
  })

  test('code_change_simple: the one specification can be changed, and is that of living instances too', () => {
    const deaf: Behaviour = { stops: 'never' }
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { shutdown: 'infinity' }, deaf)])
    b.call({ ask: 'start_instance' })
    const life = b.pid('kind#1') as number
    expect(change(b, {}, [child('kind', { shutdown: 1_000 }, deaf)])).toEqual({ ok: true })
    expect(b.machine.spec('kind#1')).toMatchObject({ shutdown: 1_000 })
    expect(b.pid('kind#1')).toBe(life)
    b.call({ ask: 'terminate_child', id: 'kind#1' })
    b.advance(1_000)
    expect(b.causeOf(life)).toEqual(killed)
    b.call({ ask: 'start_instance' })
    b.end()
    b.advance(1_000)
    expect(b.down).toEqual(shutdown)
  })

  test('code_change_simple: one that was temporary stays so, because nobody knows any more what it began with', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart: 'temporary' })])
    b.call({ ask: 'start_instance', args: 'first' })
    expect(change(b, {}, [child('kind', { restart: 'permanent' })])).toEqual({ ok: true })
    b.call({ ask: 'start_instance', args: 'second' })
    b.started()
    b.exit('kind#1', crashed)
    b.exit('kind#2', crashed)
    expect(b.started()).toEqual(['kind'])
    expect(b.machine.children()).toEqual([row('kind#2', expect.any(Number))])
  })

  test.each([
    ['two specifications', [child('kind'), child('other')]],
    ['none', []],
  ])('code_change_simple_map: %s are refused, and it stays what it was', (_, children) => {
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { shutdown: 1_000 })])
    expect(change(b, {}, children)).toEqual(invalid(/children: expected one specification/))
    expect(b.machine.spec('kind')).toMatchObject({ shutdown: 1_000 })
    expect(b.call({ ask: 'start_instance' })).toMatchObject({ ok: true, id: 'kind#1' })
  })

  test('code_change_simple_map: simple_one_for_one is neither given nor taken to one that lives', () => {
    const kind = bench({ strategy: 'simple_one_for_one' }, [child('kind')])
    expect(change(kind, { strategy: 'one_for_one' })).toEqual(invalid(/strategy: simple_one_for_one cannot be/))
    const other = bench({}, [child('a')])
    expect(change(other, { strategy: 'simple_one_for_one' })).toEqual(invalid(/strategy: simple_one_for_one cannot be/))
    expect(change(other, { strategy: 'one_for_all' })).toEqual({ ok: true })
  })
})
