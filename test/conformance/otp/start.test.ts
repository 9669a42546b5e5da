import { VigilError } from '@vigil/protocol'
import { type ChildInput, type FlagsInput, supervisorMachine } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { type Behaviour, type Bench, bench, cannotStart, child, crashed, shutdown } from './bench.ts'

const ignores: Behaviour = { starts: () => 'ignore' }
const fails: Behaviour = { starts: () => 'error' }
/** The first of its kind declines, the others run. */
const ignoresFirst: Behaviour = { starts: (nth) => (nth === 1 ? 'ignore' : 'ok') }
const oneWorker = { specs: 1, active: 1, supervisors: 0, workers: 1 }

/** Two instances are asked for, and the first declines. */
function oneOfTwo(restart: 'temporary' | 'permanent'): Bench {
  const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart }, ignoresFirst)])
  expect(b.call({ ask: 'start_instance' })).toMatchObject({ ok: true })
  expect(b.reply).not.toHaveProperty('ref')
  expect(b.call({ ask: 'start_instance' })).toMatchObject({ ok: true, ref: expect.any(Number) })
  expect(b.machine.children()).toHaveLength(1)
  expect(b.machine.counts()).toEqual(oneWorker)
  return b
}

describe('start', () => {
  test('sup_start_normal: it is up with no children, and ends in good order when it is told to', () => {
    const b = bench({ intensity: 2, periodMs: 3_600_000 })
    expect(b.isUp).toBe(true)
    b.end()
    expect(b.down).toEqual(shutdown)
  })

  test('sup_start_ignore_init: ended before it began it starts nobody, and goes in good order', () => {
    const b = bench({}, [child('a')], { begin: false })
    b.end()
    expect(b.down).toEqual(shutdown)
    expect(b.tree.handle({ type: 'begin' }, 0)).toEqual([])
    expect([b.isUp, b.started(), b.reports]).toEqual([false, [], []])
  })

  test('sup_start_ignore_child: a permanent child that declines keeps its specification and has no life', () => {
    const b = bench({})
    expect(b.call({ ask: 'start_child', child: child('a', {}, ignores) })).toEqual({ ok: true, id: 'a' })
    expect(b.call({ ask: 'start_child', child: child('b') })).toMatchObject({ ok: true, id: 'b' })
    expect(b.machine.children()).toEqual([
      { id: 'a', ref: undefined, type: 'worker' },
      { id: 'b', ref: b.pid('b'), type: 'worker' },
    ])
    expect(b.machine.counts()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 })
  })

  test('sup_start_ignore_temporary_child: of the static list, one that declines is not kept', () => {
    const b = bench({}, [child('a', { restart: 'temporary' }, ignores), child('b', { restart: 'temporary' })])
    expect(b.isUp).toBe(true)
    expect(b.machine.children()).toEqual([{ id: 'b', ref: expect.any(Number), type: 'worker' }])
    expect(b.machine.counts()).toEqual(oneWorker)
  })

  test('sup_start_ignore_temporary_child_start_child: added later, one that declines is not kept', () => {
    const b = bench({})
    const declines = child('a', { restart: 'temporary' }, ignores)
    expect(b.call({ ask: 'start_child', child: declines })).toEqual({ ok: true, id: 'a' })
    b.call({ ask: 'start_child', child: child('b', { restart: 'temporary' }) })
    expect(b.machine.children().map(({ id }) => id)).toEqual(['b'])
    expect(b.machine.counts()).toEqual(oneWorker)
  })

  test('sup_start_ignore_temporary_child_start_child_simple: a temporary instance that declines is not kept', () =>
    void oneOfTwo('temporary'))

  test('sup_start_ignore_permanent_child_start_child_simple: nor is a permanent one, and the end comes as ever', () => {
    const b = oneOfTwo('permanent')
    b.end()
    expect(b.down).toEqual(shutdown)
  })

  test.each([
    ['a word for flags', 'invalid', []],
    ['nothing for flags', null, []],
    ['a number for flags', 5, []],
    ['a list for flags', [], []],
    ['no list of children', {}, 'invalid'],
    ['nothing for children', {}, null],
    ['a child that is none', {}, [null]],
  ])('sup_start_error_return: %s is refused by name before anything begins', (_, flags, children) => {
    const make = () => supervisorMachine(flags as FlagsInput, children as ChildInput[])
    expect(make).toThrow(VigilError)
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  test('sup_start_fail: a child that cannot start fails its supervisor, and those before it end in reverse', () => {
    const b = bench({ intensity: 5 }, [child('a'), child('b'), child('c', {}, fails), child('d')])
    expect(b.started()).toEqual(['a', 'b', 'c'])
    expect(b.ended()).toEqual(['b', 'a'])
    expect([b.isUp, b.down]).toEqual([false, cannotStart])
    expect(b.reports).toMatchObject([{ context: 'start_error', reason: cannotStart, offender: { id: 'c' } }])
  })

  test('sup_start_child_returns_error: a start that says why, and one that dies without a word, leave no child', () => {
    const b = bench({})
    const says = b.call({ ask: 'start_child', child: child('a', {}, fails) })
    expect(says).toEqual({ ok: false, error: 'start_failed', cause: cannotStart })
    expect(b.call({ ask: 'start_child', child: child('b', {}, { starts: () => 'hang' }) })).toBeUndefined()
    b.exit('b', crashed)
    expect(b.reply).toEqual({ ok: false, error: 'start_failed', cause: crashed })
    expect(b.machine.children()).toEqual([])
    expect(b.machine.counts()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 })
  })

  test('sup_start_restart_child_returns_error: a child that cannot be started again is kept without a life', () => {
    const b = bench({}, [child('a', {}, { starts: (nth) => (nth === 1 ? 'ok' : 'error') })])
    b.call({ ask: 'terminate_child', id: 'a' })
    expect(b.call({ ask: 'restart_child', id: 'a' })).toEqual({ ok: false, error: 'start_failed', cause: cannotStart })
    expect(b.machine.children()).toEqual([{ id: 'a', ref: undefined, type: 'worker' }])
    expect(b.down).toBeUndefined()
  })

  test('sup_start_child_returns_error_simple: an instance that cannot start is not kept', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [
      child('kind', {}, { starts: (n) => (n > 1 ? 'hang' : 'error') }),
    ])
    expect(b.call({ ask: 'start_instance' })).toEqual({ ok: false, error: 'start_failed', cause: cannotStart })
    b.call({ ask: 'start_instance' })
    b.exit(b.machine.children()[0]?.id ?? '', crashed)
    expect(b.reply).toEqual({ ok: false, error: 'start_failed', cause: crashed })
    expect(b.machine.children()).toEqual([])
  })
})
