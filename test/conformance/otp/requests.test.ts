import {
  type ChildInput,
  checkChild,
  checkChildren,
  checkFlags,
  type FlagsInput,
  supervisorMachine,
} from '@vigil/supervisor/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bench, child, crashed, shutdown } from './bench.ts'

const counts = (specs: number, active: number, workers = specs) => ({ specs, active, supervisors: 0, workers })
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })
const simple: FlagsInput = { strategy: 'simple_one_for_one' }

describe('requests', () => {
  test('child_adm: the whole life of one child, and what each request says at each point of it', () => {
    const a = child('a', { shutdown: 1_000 })
    const b = bench({ intensity: 2, periodMs: 3_600_000 }, [a])
    const first = b.pid('a') as number
    expect(b.machine.counts()).toEqual(counts(1, 1))
    expect(b.call({ ask: 'start_child', child: a })).toEqual({ ok: false, error: 'already_started' })

    expect(b.call({ ask: 'terminate_child', id: 'nobody' })).toEqual({ ok: false, error: 'not_found' })
    for (const _ of ['living', 'stopped']) expect(b.call({ ask: 'terminate_child', id: 'a' })).toEqual({ ok: true })
    expect(b.causeOf(first)).toEqual(shutdown)
    expect(b.machine.children()).toEqual([{ id: 'a', ref: undefined, type: 'worker' }])
    expect(b.machine.counts()).toEqual(counts(1, 0))
    expect(b.call({ ask: 'start_child', child: a })).toEqual({ ok: false, error: 'already_present' })

    expect(b.call({ ask: 'restart_child', id: 'a' })).toEqual({ ok: true, id: 'a', ref: b.pid('a') })
    expect(b.machine.counts()).toEqual(counts(1, 1))
    expect(b.call({ ask: 'restart_child', id: 'a' })).toEqual({ ok: false, error: 'running' })
    expect(b.call({ ask: 'restart_child', id: 'nobody' })).toEqual({ ok: false, error: 'not_found' })

    expect(b.call({ ask: 'delete_child', id: 'a' })).toEqual({ ok: false, error: 'running' })
    expect(b.call({ ask: 'delete_child', id: 'nobody' })).toEqual({ ok: false, error: 'not_found' })
    b.call({ ask: 'terminate_child', id: 'a' })
    expect(b.call({ ask: 'delete_child', id: 'a' })).toEqual({ ok: true })
    expect(b.call({ ask: 'restart_child', id: 'a' })).toEqual({ ok: false, error: 'not_found' })
    expect(b.machine.counts()).toEqual(counts(0, 0))

    expect(b.call({ ask: 'start_child', child: a })).toEqual({ ok: true, id: 'a', ref: b.pid('a') })
    expect(b.machine.counts()).toEqual(counts(1, 1))
    expect(b.reports).toEqual([])
  })

  test.each(['start_child', 'terminate_child', 'restart_child', 'delete_child', 'change'] as const)(
    'child_adm: %s of a supervisor that is gone is answered, by noproc',
    (ask) => {
      const b = bench({}, [child('a')])
      b.end()
      const request = ask === 'start_child' ? { ask, child: child('b') } : ask === 'change' ? { ask } : { ask, id: 'a' }
      expect(b.call(request)).toEqual({ ok: false, error: 'noproc' })
    },
  )

  test('child_adm_simple: instances come by their kind and go by their own id; names alone name nobody', () => {
    const b = bench(simple, [child('kind', { shutdown: 1_000 })])
    expect(b.machine.children()).toEqual([])
    expect(b.machine.counts()).toEqual(counts(1, 0, 0))
    const [one, two] = [b.call({ ask: 'start_instance' }), b.call({ ask: 'start_instance' })]
    expect([one, two]).toMatchObject([
      { ok: true, id: 'kind#1' },
      { ok: true, id: 'kind#2' },
    ])
    expect(b.machine.children()).toHaveLength(2)
    expect(b.machine.counts()).toEqual(counts(1, 2, 2))
    expect(b.call({ ask: 'start_child', child: child('other') })).toEqual({ ok: false, error: 'simple_one_for_one' })

    expect(b.call({ ask: 'terminate_child', id: 'kind' })).toEqual({ ok: false, error: 'simple_one_for_one' })
    expect(b.machine.counts()).toEqual(counts(1, 2, 2))
    const first = b.pid('kind#1') as number
    for (const _ of ['living', 'gone']) expect(b.call({ ask: 'terminate_child', id: 'kind#1' })).toEqual({ ok: true })
    expect(b.causeOf(first)).toEqual(shutdown)
    expect(b.machine.counts()).toEqual(counts(1, 1, 1))
    // Nobody was ever called so here.
    for (const id of ['kind#3', 'kind#0', 'kind#01', 'kind#1.5'])
      expect(b.call({ ask: 'terminate_child', id }), id).toEqual({ ok: false, error: 'not_found' })
    expect(b.call({ ask: 'terminate_child', id: 'stranger#1' })).toEqual({ ok: false, error: 'not_found' })

    for (const id of ['kind', 'kind#2']) {
      expect(b.call({ ask: 'restart_child', id })).toEqual({ ok: false, error: 'simple_one_for_one' })
      expect(b.call({ ask: 'delete_child', id })).toEqual({ ok: false, error: 'simple_one_for_one' })
    }
    expect(b.machine.counts()).toEqual(counts(1, 1, 1))
    expect(bench({}).call({ ask: 'start_instance' })).toEqual({ ok: false, error: 'not_simple_one_for_one' })
  })

  test('extra_return: what a start has to say goes to whoever asked for it, and to nobody after a crash', () => {
    const a = child('a', {}, { starts: () => ({ info: 'extra' }) })
    const b = bench({ intensity: 2, periodMs: 3_600_000 }, [a])
    b.call({ ask: 'terminate_child', id: 'a' })
    expect(b.call({ ask: 'restart_child', id: 'a' })).toEqual({ ok: true, id: 'a', ref: b.pid('a'), info: 'extra' })
    b.call({ ask: 'terminate_child', id: 'a' })
    b.call({ ask: 'delete_child', id: 'a' })
    expect(b.call({ ask: 'start_child', child: a })).toEqual({ ok: true, id: 'a', ref: b.pid('a'), info: 'extra' })
    const before = b.pid('a')
    b.exit('a', crashed)
    expect(b.pid('a')).toBeTypeOf('number')
    expect(b.pid('a')).not.toBe(before)
    expect(b.machine.counts()).toEqual(counts(1, 1))
  })
})

describe('specifications and flags', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no specification', 'a', /a child: expected a specification/],
    ['nothing at all', {}, /id: expected a name/],
    ['no start', { id: 'c' }, /start of c: expected/],
    ['no id', { start: 'x' }, /id: expected a name/],
    ['an id that is a number', { id: 7, start: 'x' }, /id: expected a name, found 7/],
    ['a misspelt restart type', { id: 'c', start: 'x', restart: 'prmanent' }, /restart of c: .*found "prmanent"/],
    ['a budget below nothing', { id: 'c', start: 'x', shutdown: -10 }, /shutdown of c: .*found -10/],
    ['a budget that is no number', { id: 'c', start: 'x', shutdown: Number.NaN }, /shutdown of c: .*found NaN/],
    ['a misspelt type', { id: 'c', start: 'x', type: 'wrker' }, /type of c: .*found "wrker"/],
    ['a significance that is none', { id: 'c', start: 'x', significant: 'maybe' }, /significant of c: .*found "maybe"/],
    ['a backoff that is none', { id: 'c', start: 'x', backoff: { baseMs: 1 } }, /backoff.maxMs of c: expected/],
    ['an unknown key', { id: 'c', start: 'x', dummy: 1 }, /key of a child: .*found "dummy"/],
  ]
  test.each(bad)('child_specs: %s is refused, by a check, by a request and at a start', (_, input, message) => {
    expect(() => checkChild(input as ChildInput, { autoShutdown: 'never' })).toThrow(refused(message))
    expect(() => supervisorMachine({}, [input as ChildInput])).toThrow(refused(message))
    expect(() => supervisorMachine(simple, [input as ChildInput])).toThrow(refused(message))
    const b = bench({})
    const reply = b.call({ ask: 'start_child', child: input as ChildInput })
    expect(reply).toEqual({ ok: false, error: 'invalid', message: expect.stringMatching(message) })
    expect(b.machine.children()).toEqual([])
  })

  test('child_specs: one name names one child, and a simple_one_for_one has exactly one specification', () => {
    const [one, two] = [child('c'), child('c', { type: 'worker', shutdown: 1_000 })]
    expect(() => checkChildren([one, two], checkFlags({}))).toThrow(
      refused(/id: expected a name of its own, found "c"/),
    )
    const single = /children: expected one specification/
    expect(() => supervisorMachine(simple, [])).toThrow(refused(single))
    expect(() => supervisorMachine(simple, [one, child('d')])).toThrow(refused(single))
  })

  test('child_specs_map: of the whole cross product exactly those are refused that could never be significant', () => {
    const modes = [undefined, 'never', 'any_significant', 'all_significant'] as const
    const values = {
      restart: [undefined, 'permanent', 'transient', 'temporary'],
      shutdown: [undefined, 0, 1_000, 'infinity', 'kill'],
      type: [undefined, 'supervisor', 'worker'],
      significant: [undefined, true, false],
    } as const
    const product = modes.flatMap((mode) =>
      values.restart.flatMap((restart) =>
        values.shutdown.flatMap((shutdown) =>
          values.type.flatMap((type) =>
            values.significant.map((significant) => ({ mode, given: { restart, shutdown, type, significant } })),
          ),
        ),
      ),
    )
    expect(product).toHaveLength(720)
    const seen = new Set<number>()
    // Each combination once, in an order of chance: a check must not depend on what was checked before.
    const order = fc.shuffledSubarray([...product.keys()], { minLength: product.length })
    fc.assert(
      fc.property(order, (order) => {
        for (const index of order) {
          const { mode, given } = product[index] as (typeof product)[number]
          const spec = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
          const input = { id: 'c', start: 'x', ...spec } as ChildInput
          const flags = checkFlags(mode === undefined ? {} : { autoShutdown: mode })
          const isPermanent = (given.restart ?? 'permanent') === 'permanent'
          seen.add(index)
          if (given.significant === true && (flags.autoShutdown === 'never' || isPermanent)) {
            const why = isPermanent ? /because it is permanent/ : /because autoShutdown is never/
            expect(() => checkChild(input, flags)).toThrow(refused(why))
          } else {
            const { restart = 'permanent', type = 'worker', significant = false } = given
            const { shutdown = type === 'worker' ? 5_000 : 'infinity' } = given
            expect(checkChild(input, flags)).toMatchObject({ id: 'c', restart, shutdown, type, significant })
          }
        }
      }),
      { numRuns: 3 },
    )
    expect(seen.size).toBe(product.length)
  })

  test('child_specs_map: whatever is written there, it is taken whole or refused by name', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (start, value) => {
        for (const input of [
          value,
          { id: 'c', start, shutdown: value },
          { id: value, start },
          { id: 'c', start, backoff: value },
        ]) {
          try {
            expect(checkChild(input as ChildInput, { autoShutdown: 'never' })).toMatchObject({ restart: 'permanent' })
          } catch (error) {
            expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
          }
        }
      }),
    )
  })

  test.each<[string, unknown, RegExp]>([
    ['an unknown strategy', { strategy: 'none_for_one' }, /strategy: .*found "none_for_one"/],
    ['no end of restarts', { intensity: Number.POSITIVE_INFINITY }, /intensity: .*found Infinity/],
    ['fewer restarts than none', { intensity: -1 }, /intensity: .*found -1/],
    ['half a restart', { intensity: 0.5 }, /intensity: .*found 0.5/],
    ['no period', { periodMs: 0 }, /periodMs: .*found 0/],
    ['an endless period', { periodMs: Number.POSITIVE_INFINITY }, /periodMs: .*found Infinity/],
    ['an unknown mode of auto shutdown', { autoShutdown: 'sometimes' }, /autoShutdown: .*found "sometimes"/],
    ['a list for flags', ['one_for_one', 2], /a supervisor: expected flags, found a list/],
    ['an unknown flag', { silly: true }, /key of a supervisor: .*found "silly"/],
  ])('sup_flags: %s is refused', (_, flags, message) => {
    expect(() => supervisorMachine(flags as FlagsInput, [])).toThrow(refused(message))
  })

  test('sup_flags: what is left out is the default of OTP', () => {
    const defaults = { strategy: 'one_for_one', intensity: 1, periodMs: 5_000, autoShutdown: 'never' }
    expect(checkFlags({})).toEqual({ ...defaults, firstStart: 'must_succeed' })
  })
})

describe('restart frequency', () => {
  test('multiple_restarts: restarts just outside the window go on for ever; one on its edge is one too many', () => {
    const b = bench({ intensity: 1, periodMs: 1_000 }, [child('a', { shutdown: 'kill' })])
    for (let crash = 1; crash <= 100; crash += 1) {
      b.exit('a', crashed)
      expect(b.down, `after crash ${crash}`).toBeUndefined()
      b.advance(1_001)
    }
    expect(b.call({ ask: 'terminate_child', id: 'a' })).toEqual({ ok: true })
    expect(b.call({ ask: 'restart_child', id: 'a' })).toMatchObject({ ok: true })
    b.exit('a', crashed)
    b.advance(1_000)
    b.exit('a', crashed)
    expect(b.down).toEqual({ kind: 'shutdown', hint: 'reached_max_restart_intensity' })
  })
})
