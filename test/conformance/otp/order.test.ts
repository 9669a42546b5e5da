import { type SupervisorMachine, supervisorMachine } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { bench, child, crashed, shutdown } from './bench.ts'

describe('order', () => {
  // Neither by their letters nor as numbers do these names stand in the order of the list.
  const ids = ['ch7', 'ch3', '10', '2', 'ch5']

  test('order_of_children: they start as listed, the rest and the whole stop in reverse', () => {
    const b = bench(
      { strategy: 'rest_for_one', intensity: 2, periodMs: 3_600_000 },
      ids.map((id) => child(id, { shutdown: 1_000 })),
    )
    expect(b.started()).toEqual(ids)
    const [first, second] = [b.pid('ch7'), b.pid('ch3')]
    b.exit('10', crashed)
    expect(b.ended()).toEqual(['10', 'ch5', '2'])
    expect(b.started()).toEqual(['10', '2', 'ch5'])
    expect([b.pid('ch7'), b.pid('ch3')]).toEqual([first, second])
    expect(b.machine.children().map(({ id }) => id)).toEqual(ids)
    b.end()
    expect(b.ended()).toEqual([...ids].reverse())
    expect(b.down).toEqual(shutdown)
  })

  test('order_of_children: each waits for the one before it, at the start and at the end', () => {
    const slow = { stops: { afterMs: 100 } }
    const b = bench({}, [child('a', {}, slow), child('b', {}, { ...slow, starts: () => 'hang' }), child('c', {}, slow)])
    expect(b.started()).toEqual(['a', 'b'])
    b.answer(b.pid('b') as number, 'ok')
    expect([b.started(), b.isUp]).toEqual([['c'], true])
    b.end()
    for (const id of ['c', 'b', 'a']) {
      expect(b.down).toBeUndefined()
      b.advance(100)
      expect(b.ended()).toEqual([id])
    }
    expect(b.down).toEqual(shutdown)
  })
})

describe('scale', () => {
  /** Everything that a supervisor wants done to start and to stop that many children. */
  function actionsFor(count: number): { readonly start: number; readonly stop: number } {
    const machine = supervisorMachine({ intensity: 2, periodMs: 3_600_000 }, [])
    machine.handle({ type: 'begin' }, 0)
    let actions = 0
    const hear = (input: Parameters<SupervisorMachine['handle']>[0]): void => {
      for (const action of machine.handle(input, 0)) {
        actions += 1
        if (action.do === 'start') hear({ type: 'started', ref: action.ref })
        if (action.do === 'stop') hear({ type: 'exited', ref: action.ref, cause: shutdown })
      }
    }
    const each = (request: (id: string) => Parameters<typeof ask>[0]): number => {
      const before = actions
      for (let nth = 0; nth < count; nth += 1) ask(request(`c${nth}`))
      return actions - before
    }
    const ask = (request: Extract<Parameters<typeof hear>[0], { type: 'call' }>['request']): void =>
      hear({ type: 'call', call: 1, request })
    const start = each((id) => ({ ask: 'start_child', child: child(id, { shutdown: 1_000 }) }))
    expect(machine.counts()).toEqual({ specs: count, active: count, supervisors: 0, workers: count })
    const stop = each((id) => ({ ask: 'terminate_child', id }))
    expect(machine.counts()).toEqual({ specs: count, active: 0, supervisors: 0, workers: count })
    return { start, stop }
  }

  test('scale_start_stop_many_children: a hundred times as many ask for a hundred times as much', () => {
    const [few, many] = [actionsFor(1_000), actionsFor(100_000)]
    expect(many).toEqual({ start: 100 * few.start, stop: 100 * few.stop })
  })
})

describe('the list', () => {
  const row = (id: string, ref: number | undefined) => ({ id, ref, type: 'worker' as const })

  test('which_children: it shows each child from its start to its deletion', () => {
    const b = bench({})
    expect(b.machine.children()).toEqual([])
    b.call({ ask: 'start_child', child: child('a') })
    const a = b.pid('a') as number
    expect(b.machine.children()).toEqual([row('a', a)])
    b.call({ ask: 'start_child', child: child('b') })
    const other = b.pid('b') as number
    expect(other).not.toBe(a)
    expect(b.machine.children()).toEqual([row('a', a), row('b', other)])
    expect([b.machine.spec('a')?.id, b.machine.spec('b')?.id, b.machine.spec('x')]).toEqual(['a', 'b', undefined])
    b.call({ ask: 'terminate_child', id: 'a' })
    expect(b.machine.children()).toEqual([row('a', undefined), row('b', other)])
    expect(b.machine.spec('a')?.id).toBe('a')
    b.call({ ask: 'delete_child', id: 'a' })
    expect(b.machine.children()).toEqual([row('b', other)])
    expect(b.machine.spec('a')).toBeUndefined()
  })

  test('which_children_simple_one_for_one: it shows each instance under an id of its own while it is there', () => {
    const b = bench({ strategy: 'simple_one_for_one' }, [child('kind', { restart: 'temporary' })])
    expect(b.machine.children()).toEqual([])
    for (const _ of [1, 2]) b.call({ ask: 'start_instance' })
    const [first, second] = [b.pid('kind#1'), b.pid('kind#2')] as [number, number]
    expect(b.machine.children()).toEqual([row('kind#1', first), row('kind#2', second)])
    expect(b.machine.spec('kind#2')).toMatchObject({ id: 'kind', restart: 'temporary' })
    expect(b.machine.spec('kind#3')).toBeUndefined()
    b.call({ ask: 'terminate_child', id: 'kind#1' })
    expect(b.machine.children()).toEqual([row('kind#2', second)])
    expect(b.machine.spec('kind#1')).toBeUndefined()
    expect(b.call({ ask: 'terminate_child', id: 'kind' })).toEqual({ ok: false, error: 'simple_one_for_one' })
  })
})
