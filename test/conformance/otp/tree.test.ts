import type { ChildInput, FlagsInput } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { type Behaviour, bench, child, crashed, shutdown } from './bench.ts'

const supervisor = (
  id: string,
  flags: FlagsInput,
  children: readonly ChildInput[],
  spec: Partial<ChildInput> = {},
): ChildInput => ({ id, type: 'supervisor', start: { flags, children }, ...spec })

describe('tree', () => {
  const twoLevels = (strategy: FlagsInput['strategy'], restart: ChildInput['restart'] = 'permanent') =>
    bench({ strategy: strategy ?? 'one_for_one', intensity: 4, periodMs: 3_600_000 }, [
      supervisor('left', { intensity: 1, periodMs: 3_600_000 }, [child('a'), child('b')], {
        restart: restart ?? 'permanent',
      }),
      supervisor('right', {}, [child('c')]),
    ])

  test('tree: a crash below is a matter of those below', () => {
    const b = twoLevels('one_for_one')
    const left = b.pid('left')
    b.exit('a', crashed, ['left'])
    expect(b.pid('left')).toBe(left)
    expect(b.tree.rows().map(({ children }) => children?.map(({ id }) => id))).toEqual([['a', 'b'], ['c']])
  })

  test('tree: a supervisor that gives up is started again, without the children that were added to it', () => {
    const b = twoLevels('one_for_one')
    expect(b.call({ ask: 'start_child', child: child('added') }, ['left'])).toMatchObject({ ok: true })
    const [left, right] = [b.pid('left'), b.pid('right')]
    b.exit('a', crashed, ['left'])
    b.exit('a', crashed, ['left'])
    expect(b.gaveUp).toEqual(['left'])
    expect(b.pid('left')).not.toBe(left)
    expect(b.pid('right')).toBe(right)
    expect(
      b.tree
        .at(['left'])
        ?.children()
        .map(({ id }) => id),
    ).toEqual(['a', 'b'])
  })

  test('tree: a transient supervisor that gave up ended in good order, and is not started again by itself', () => {
    const b = twoLevels('one_for_one', 'transient')
    b.exit('a', crashed, ['left'])
    b.exit('a', crashed, ['left'])
    expect(b.pid('left')).toBeUndefined()
    expect(b.down).toBeUndefined()
  })

  test('tree: one_for_all brings also a transient supervisor back that was terminated', () => {
    const b = bench({ strategy: 'one_for_all', intensity: 4, periodMs: 3_600_000 }, [
      supervisor('left', {}, [child('a')], { restart: 'transient' }),
      child('w'),
    ])
    b.call({ ask: 'terminate_child', id: 'left' })
    expect(b.pid('left')).toBeUndefined()
    b.exit('w', crashed)
    expect(b.pid('a', ['left'])).toBeTypeOf('number')
  })

  test('tree: the restarts that are borne multiply along the path', () => {
    const b = bench({ intensity: 1, periodMs: 3_600_000 }, [supervisor('below', { intensity: 1 }, [child('a')])])
    for (let crash = 1; crash <= 3; crash += 1) {
      b.exit('a', crashed, ['below'])
      expect(b.down, `after crash ${crash}`).toBeUndefined()
    }
    b.exit('a', crashed, ['below'])
    expect(b.down).toMatchObject({ hint: 'reached_max_restart_intensity' })
  })

  test('tree: stop is the reverse of start, over all levels', () => {
    const b = bench({}, [child('a'), supervisor('s', {}, [child('b'), supervisor('t', {}, [child('c')])]), child('d')])
    expect(b.started()).toEqual(['a', 'b', 'c', 'd'])
    b.end()
    expect(b.ended()).toEqual(['d', 'c', 'b', 'a'])
    expect(b.down).toEqual(shutdown)
  })

  test('tree: who may not take its time is killed with all that stands under it', () => {
    const stuck: Behaviour = { stops: 'never' }
    const b = bench({}, [supervisor('s', {}, [child('a', {}, stuck), child('b', {}, stuck)], { shutdown: 100 })])
    const refs = ['a', 'b'].map((id) => b.pid(id, ['s']) as number)
    b.end()
    b.advance(99)
    expect(b.down).toBeUndefined()
    b.advance(1)
    expect(refs.map((ref) => b.causeOf(ref)?.kind)).toEqual(['signal', 'signal'])
    expect(b.down).toEqual(shutdown)
  })

  test('tree: a supervisor whose child cannot start takes down those that were started before it', () => {
    const fails: Behaviour = { starts: () => 'error' }
    const b = bench({}, [child('a'), supervisor('s', {}, [child('b'), child('c', {}, fails)])])
    expect(b.isUp).toBe(false)
    expect(b.ended()).toEqual(['b', 'a'])
    expect(b.down).toMatchObject({ kind: 'error', message: 'cannot start' })
  })
})

describe('supervisors as children', () => {
  test('significant_escalation: a significant supervisor that ends by itself ends the one above, another does not', () => {
    const below = (significant: boolean) =>
      supervisor(
        'below',
        { autoShutdown: 'any_significant' },
        [child('a', { restart: 'temporary', significant: true }), child('b')],
        { restart: 'transient', significant },
      )
    for (const significant of [true, false]) {
      const b = bench({ autoShutdown: 'any_significant' }, [below(significant), child('other')])
      b.exit('a', crashed, ['below'])
      expect(b.gaveUp[0]).toBe('below')
      expect(b.down !== undefined, `significant: ${significant}`).toBe(significant)
    }
  })

  test('count_children_supervisor: supervisors are counted as such', () => {
    const b = bench({ strategy: 'simple_one_for_one', intensity: 0 }, [
      supervisor('kind', {}, [child('a')], { restart: 'temporary' }),
    ])
    for (let n = 0; n < 100; n += 1) b.call({ ask: 'start_instance' })
    expect(b.machine.counts()).toEqual({ specs: 1, active: 100, supervisors: 100, workers: 0 })
    for (const { id } of b.machine.children()) b.call({ ask: 'terminate_child', id })
    expect(b.machine.counts()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 0 })
  })

  test('a supervisor that ends by itself cannot be permanent', () => {
    const below = supervisor('below', { autoShutdown: 'any_significant' }, [])
    expect(() => bench({}, [below])).toThrow(/below: expected transient or temporary/)
    const b = bench({}, [])
    expect(b.call({ ask: 'start_child', child: below })).toMatchObject({ ok: false, error: 'invalid' })
    expect(b.call({ ask: 'start_child', child: child('a') }, ['nowhere'])).toEqual({ ok: false, error: 'noproc' })
  })
})
