import { type ChildInput, checkChild, type FlagsInput, supervisorMachine } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { bench, child } from './bench.ts'

describe('specifications at the start', () => {
  test('sup_start_map: what a specification leaves out has a default, and can be read', () => {
    const machine = supervisorMachine({}, [
      { id: 'a', start: 'a' },
      { id: 'b', start: 'b', shutdown: 'kill' },
      { id: 'c', start: 'c', type: 'supervisor' },
    ])
    const plain = { restart: 'permanent', significant: false, backoff: { baseMs: 0, maxMs: 0, stableMs: 0 } }
    expect(machine.spec('a')).toEqual({ ...plain, id: 'a', start: 'a', shutdown: 5_000, type: 'worker' })
    expect(machine.spec('b')).toEqual({ ...plain, id: 'b', start: 'b', shutdown: 'kill', type: 'worker' })
    expect(machine.spec('c')).toEqual({ ...plain, id: 'c', start: 'c', shutdown: 'infinity', type: 'supervisor' })
    expect(machine.spec('d')).toBeUndefined()
  })

  test('sup_start_map_simple: the one specification can be read by each instance, and by no stranger', () => {
    const kind = child('kind', { restart: 'temporary' })
    const b = bench({ strategy: 'simple_one_for_one' }, [kind])
    for (const _ of [1, 2, 3]) b.call({ ask: 'start_instance' })
    const whole = checkChild(kind, { autoShutdown: 'never' })
    const ids = b.machine.children().map(({ id }) => id)
    expect(ids).toHaveLength(3)
    for (const id of ids) expect(b.machine.spec(id)).toEqual(whole)
    expect(b.machine.spec('kind#4')).toBeUndefined()
  })

  test.each([
    ['without a name', { start: 'x' }, /id: expected a name, found undefined/],
    ['with an empty name', { id: '', start: 'x' }, /id: expected a name, found ""/],
    ['with nothing to start from', { id: 'a' }, /start of a: expected what it is started from/],
    ['that is a word', 'a', /a child: expected a specification, found "a"/],
    ['with a key that nobody knows', { id: 'a', start: 'x', silly: true }, /key of a child: .*found "silly"/],
  ])('sup_start_map_faulty_specs: a child %s is refused, with what is wrong', (_, input, message) => {
    const make = () => supervisorMachine({} as FlagsInput, [input as ChildInput])
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }))
  })
})
