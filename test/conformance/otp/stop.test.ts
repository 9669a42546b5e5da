import type { ExitCause } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { type Behaviour, type Bench, bench, child, crashed, killed, normal, shutdown, shutdownWith } from './bench.ts'

const restarts = ['permanent', 'transient', 'temporary'] as const
const causes: readonly ExitCause[] = [normal, shutdown, shutdownWith, crashed]
const deaf: Behaviour = { stops: 'never' }
const refs = (b: Bench): number[] => b.machine.children().map(({ ref }) => ref as number)

describe('stop', () => {
  test('sup_stop_infinity: a worker and a supervisor may take all the time they need', () => {
    const slow: Behaviour = { stops: { afterMs: 3_600_000 } }
    const below = { flags: {}, children: [child('c', { shutdown: 'infinity' }, slow)] }
    const b = bench({}, [
      child('a', { shutdown: 'infinity' }, slow),
      { id: 'b', type: 'supervisor', shutdown: 'infinity', start: below },
    ])
    const lives = [b.pid('a'), b.pid('c', ['b'])] as number[]
    b.end()
    b.advance(7_200_000 - 1)
    expect(b.down).toBeUndefined()
    b.advance(1)
    expect(lives.map((ref) => b.causeOf(ref))).toEqual([shutdown, shutdown])
    expect(b.down).toEqual(shutdown)
  })

  test('sup_stop_timeout: who is not done after its budget is killed, its sibling ends in good order', () => {
    const b = bench({}, [child('a', { shutdown: 1_000 }), child('b', { shutdown: 1_000 }, deaf)])
    const [a, slow] = refs(b) as [number, number]
    b.end()
    b.advance(999)
    expect([b.isAlive(slow), b.isAlive(a), b.down]).toEqual([true, true, undefined])
    b.advance(1)
    expect([b.causeOf(slow), b.causeOf(a), b.down]).toEqual([killed, shutdown, shutdown])
  })

  test('sup_stop_timeout_dynamic: the same among instances', () => {
    // Both are of one kind: the first is done before the budget is, the second is asleep.
    const asked: number[] = []
    const stops = {
      get afterMs() {
        return asked.push(asked.length) === 1 ? 0 : 200_000
      },
    }
    const b = bench({ strategy: 'simple_one_for_one' }, [
      child('kind', { restart: 'temporary', shutdown: 1_000 }, { stops }),
    ])
    for (const _ of [1, 2]) b.call({ ask: 'start_instance' })
    const [first, second] = refs(b) as [number, number]
    b.end()
    b.advance(1_000)
    expect([b.causeOf(first), b.causeOf(second), b.down]).toEqual([shutdown, killed, shutdown])
  })

  test('sup_stop_brutal_kill: who is to be killed is not asked', () => {
    const b = bench({}, [child('a', { shutdown: 1_000 }), child('b', { shutdown: 'kill' })])
    const [a, other] = refs(b) as [number, number]
    b.end()
    expect([b.causeOf(a), b.causeOf(other), b.down]).toEqual([shutdown, killed, shutdown])
    expect(b.reports).toEqual([])
  })

  test('sup_stop_brutal_kill_dynamic: ten instances at once, none is asked', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [
      child('kind', { restart: 'temporary', shutdown: 'kill' }, deaf),
    ])
    for (let nth = 0; nth < 10; nth += 1) b.call({ ask: 'start_instance' })
    const lives = refs(b)
    b.end()
    expect(lives.map((ref) => b.causeOf(ref))).toEqual(Array(10).fill(killed))
    expect(b.down).toEqual(shutdown)
  })

  test('sup_stop_race: children that end by themselves while it stops keep their reasons, and none comes back', () => {
    const kinds = restarts.flatMap((restart) => causes.map((cause) => ({ restart, cause })))
    const b = bench({ intensity: 2, periodMs: 3_600_000 }, [
      child('first', { restart: 'temporary', shutdown: 1_000 }),
      ...kinds.map(({ restart }, nth) => child(`c${nth}`, { restart, shutdown: 1_000 }, deaf)),
      child('last', { restart: 'temporary', shutdown: 2_000 }, { stops: { afterMs: 1_000 } }),
    ])
    const [first, ...others] = refs(b) as [number, ...number[]]
    const last = others.pop() as number
    b.started()
    b.end()
    b.advance(200)
    for (const [nth, { cause }] of kinds.entries()) b.exit(`c${nth}`, cause)
    expect(b.down).toBeUndefined()
    b.advance(800)
    expect(b.down).toEqual(shutdown)
    expect(others.map((ref) => b.causeOf(ref))).toEqual(kinds.map(({ cause }) => cause))
    expect([b.causeOf(first), b.causeOf(last)]).toEqual([shutdown, shutdown])
    expect(b.started()).toEqual([])
  })

  test.each(restarts)('sup_stop_non_shutdown_exit_dynamic: %s instances that end otherwise than asked', (restart) => {
    let asked = 0
    const stops = {
      get with(): ExitCause {
        return causes[asked++ % causes.length] ?? shutdown
      },
    }
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart, shutdown: 5_000 }, { stops })])
    for (const _ of causes) b.call({ ask: 'start_instance' })
    const lives = refs(b)
    b.end()
    expect(lives.map((ref) => b.causeOf(ref))).toEqual(causes)
    expect(b.down).toEqual(shutdown)
    const told = b.reports.map(({ context, reason }) => [context, reason])
    const unruly = restart === 'permanent' ? [normal, crashed] : [crashed]
    expect(told).toEqual(unruly.map((reason) => ['shutdown_error', reason]))
  })
})
