import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ExitCause } from '@vigil/protocol'
import { type FlagsInput, type SupervisorMachine, supervisorMachine } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { type Bench, bench, child, crashed, killed, normal, shutdown } from './bench.ts'

const simple: FlagsInput = { strategy: 'simple_one_for_one' }
const restarts = ['permanent', 'transient', 'temporary'] as const
const strategies = ['one_for_one', 'one_for_all', 'rest_for_one'] as const
const counts = (specs: number, active: number, workers = specs) => ({ specs, active, supervisors: 0, workers })
const instances = (b: Bench, count: number): void => {
  for (let nth = 0; nth < count; nth += 1) b.call({ ask: 'start_instance' })
}

describe('counting', () => {
  test('count_children: a thousand, two thousand, none', () => {
    const b = bench(simple, [child('kind', { restart: 'temporary' })])
    instances(b, 1_000)
    expect(b.machine.children()).toHaveLength(1_000)
    expect(b.machine.counts()).toEqual(counts(1, 1_000, 1_000))
    instances(b, 1_000)
    const rows = b.machine.children()
    expect(new Set(rows.map(({ ref }) => ref)).size).toBe(2_000)
    expect(b.machine.counts()).toEqual(counts(1, 2_000, 2_000))
    expect(b.machine.children()).toEqual(rows)
    b.exitAll(
      rows.map(({ id }) => id),
      killed,
    )
    expect(b.machine.counts()).toEqual(counts(1, 0, 0))
    expect(b.down).toBeUndefined()
  })

  test('count_restarting_children: those between two attempts are workers and not active', () => {
    let failing = false
    const backoff = { baseMs: 100, maxMs: 100, stableMs: 0 }
    const b = bench({ ...simple, intensity: 20, periodMs: 10_000 }, [
      child('kind', { shutdown: 'kill', backoff }, { starts: () => (failing ? 'error' : 'ok') }),
    ])
    expect(b.machine.counts()).toEqual(counts(1, 0, 0))
    instances(b, 3)
    const ids = b.machine.children().map(({ id }) => id) as [string, string, string]
    for (const id of ids) b.exit(id, crashed)
    expect(b.machine.counts()).toEqual(counts(1, 0, 3))
    b.advance(100)
    expect(b.machine.counts()).toEqual(counts(1, 3, 3))

    failing = true
    b.exit(ids[0], crashed)
    b.exit(ids[1], crashed)
    b.advance(450)
    expect(b.machine.counts()).toEqual(counts(1, 1, 3))
    expect(b.machine.children().map(({ ref }) => ref)).toEqual(['restarting', 'restarting', expect.any(Number)])
    failing = false
    b.advance(100)
    expect(b.machine.counts()).toEqual(counts(1, 3, 3))
    for (const [nth, id] of [...ids].reverse().entries()) {
      expect(b.call({ ask: 'terminate_child', id })).toEqual({ ok: true })
      expect(b.machine.counts()).toEqual(counts(1, 2 - nth, 2 - nth))
    }
  })
})

/** Starts one instance with something large and keeps no hold of it here. */
function startOne(machine: SupervisorMachine): WeakRef<object> {
  const args = { large: 'x'.repeat(10_000) }
  const [start] = machine.handle({ type: 'call', call: 1, request: { ask: 'start_instance', args } }, 0)
  expect(start).toMatchObject({ do: 'start', args })
  machine.handle({ type: 'started', ref: start?.do === 'start' ? start.ref : -1 }, 0)
  return new WeakRef(args)
}

describe('what is kept of temporary children', () => {
  test.each(restarts)(
    'do_not_save_start_parameters_for_temporary_children: what a %s instance was started with',
    async (restart) => {
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc') as () => void
      const machine = supervisorMachine(simple, [child('kind', { restart })])
      machine.handle({ type: 'begin' }, 0)
      const args = startOne(machine)
      // A weak reference that was made in this turn of the loop keeps what it refers to.
      await new Promise((done) => setImmediate(done))
      collect()
      expect(args.deref() !== undefined).toBe(restart !== 'temporary')
      expect(machine.counts()).toEqual(counts(1, 1, 1))
    },
  )

  test.each(strategies.flatMap((strategy) => restarts.map((restart) => [strategy, restart] as const)))(
    'do_not_save_start_parameters_for_temporary_children: what a child was started from, under %s, %s',
    (strategy, restart) => {
      const b = bench({ strategy })
      b.call({ ask: 'start_child', child: child('a', { restart }) })
      expect(b.machine.spec('a')).toMatchObject({ id: 'a', restart })
      expect(b.machine.spec('a')?.start !== undefined).toBe(restart !== 'temporary')
      const life = b.pid('a') as number
      b.end()
      expect(b.causeOf(life)).toEqual(shutdown)
    },
  )

  const ends: readonly (readonly [string, ExitCause | 'request'])[] = [
    ['a kill', killed],
    ['a good end', normal],
    ['an error', crashed],
    ['a request', 'request'],
  ]
  test.each(strategies.flatMap((strategy) => ends.map(([name, how]) => [strategy, name, how] as const)))(
    'do_not_save_child_specs_for_temporary_children: under %s, after %s',
    (strategy, _, how) => {
      const b = bench({ strategy, intensity: 2, periodMs: 3_600_000 })
      const again = (restart: (typeof restarts)[number]) => {
        const spec = child(restart, { restart })
        expect(b.call({ ask: 'start_child', child: spec })).toMatchObject({ ok: true })
        if (how === 'request') b.call({ ask: 'terminate_child', id: restart })
        else b.exit(restart, how)
        return b.call({ ask: 'start_child', child: spec })
      }
      const wasAsked = how === 'request'
      const present = { ok: false, error: 'already_present' }
      const started = { ok: false, error: 'already_started' }
      expect(again('permanent')).toEqual(wasAsked ? present : started)
      if (wasAsked) expect(b.call({ ask: 'restart_child', id: 'permanent' })).toMatchObject({ ok: true })
      const isOver = wasAsked || how === normal
      expect(again('transient')).toEqual(isOver ? present : started)
      if (isOver) expect(b.call({ ask: 'restart_child', id: 'transient' })).toMatchObject({ ok: true })
      expect(again('temporary')).toMatchObject({ ok: true, ref: expect.any(Number) })
      expect(b.down).toBeUndefined()
    },
  )

  test.each(['one_for_all', 'rest_for_one'] as const)(
    'temporary_bystander: one that goes down with a sibling under %s does not come back',
    (strategy) => {
      const b = bench({ strategy, intensity: 2, periodMs: 300_000 })
      b.call({ ask: 'start_child', child: child('a', { shutdown: 100 }) })
      b.call({ ask: 'start_child', child: child('b', { shutdown: 100, restart: 'temporary' }) })
      const bystander = b.pid('b') as number
      b.exit('a', normal)
      b.advance(350)
      expect(b.down).toBeUndefined()
      expect(b.causeOf(bystander)).toEqual(shutdown)
      expect(b.machine.children()).toEqual([{ id: 'a', ref: expect.any(Number), type: 'worker' }])
    },
  )
})

describe('scale', () => {
  /** Everything that a supervisor wants done to start that many instances and to see them go. */
  function actionsFor(count: number, go: 'terminate' | 'die'): number {
    const machine = supervisorMachine(simple, [child('kind', { restart: 'temporary', shutdown: 1_000 })])
    machine.handle({ type: 'begin' }, 0)
    const lives: number[] = []
    let actions = 0
    const hear = (input: Parameters<SupervisorMachine['handle']>[0]): void => {
      for (const action of machine.handle(input, 0)) {
        actions += 1
        if (action.do === 'start') hear({ type: 'started', ref: lives[lives.push(action.ref) - 1] ?? -1 })
        if (action.do === 'stop') hear({ type: 'exited', ref: action.ref, cause: shutdown })
      }
    }
    for (let nth = 1; nth <= count; nth += 1) hear({ type: 'call', call: nth, request: { ask: 'start_instance' } })
    expect(machine.counts().active).toBe(count)
    for (const [nth, ref] of lives.entries()) {
      if (go === 'die') hear({ type: 'exited', ref, cause: crashed })
      else hear({ type: 'call', call: count + nth, request: { ask: 'terminate_child', id: `kind#${nth + 1}` } })
    }
    expect(machine.counts()).toEqual(counts(1, 0, 0))
    return actions
  }

  test.each(['terminate', 'die'] as const)(
    'simple_one_for_one_scale_many_temporary_children: ten times as many ask for ten times as much: %s',
    (go) => {
      expect(actionsFor(10_000, go)).toBe(10 * actionsFor(1_000, go))
    },
  )
})
