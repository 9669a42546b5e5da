import type { ExitCause } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { type Bench, bench, child, crashed, killed, normal, shutdown, shutdownWith } from './bench.ts'

const counts = (specs: number, active: number) => ({ specs, active, supervisors: 0, workers: specs })

interface Ended {
  readonly b: Bench
  readonly before: number
}

/** One child of this restart type, started by a request, ends by itself. */
function ended(restart: 'permanent' | 'transient' | 'temporary', cause: ExitCause): Ended {
  const b = bench({ intensity: 2, periodMs: 3_600_000 })
  b.call({ ask: 'start_child', child: child('a', { restart }) })
  const before = b.pid('a') as number
  b.exit('a', cause)
  expect(b.causeOf(before)).toEqual(cause)
  expect(b.down).toBeUndefined()
  return { b, before }
}

function restarted({ b, before }: Ended): void {
  expect(b.pid('a')).toBeTypeOf('number')
  expect(b.pid('a')).not.toBe(before)
  expect(b.machine.counts()).toEqual(counts(1, 1))
}
function kept({ b }: Ended): void {
  expect(b.machine.children()).toEqual([{ id: 'a', ref: undefined, type: 'worker' }])
  expect(b.machine.counts()).toEqual(counts(1, 0))
  expect(b.call({ ask: 'restart_child', id: 'a' })).toMatchObject({ ok: true, ref: expect.any(Number) })
}
function forgotten({ b }: Ended): void {
  expect(b.machine.children()).toEqual([])
  expect(b.machine.counts()).toEqual(counts(0, 0))
  expect(b.call({ ask: 'start_child', child: child('a') })).toMatchObject({ ok: true })
}
const contexts = ({ b }: Ended): string[] => b.reports.map(({ context }) => context)

const inGoodOrder = [
  ['shutdown', shutdown],
  ['shutdown with a reason', shutdownWith],
] as const
const badly = [
  ['an error', crashed],
  ['a kill', killed],
  ['an exit code', { kind: 'exit_code', code: 1 }],
  ['silence', { kind: 'heartbeat_lost', silent_ms: 5_000 }],
] as const

describe('termination reasons', () => {
  test('permanent_normal: comes back, and the end is told', () => {
    const life = ended('permanent', normal)
    restarted(life)
    expect(contexts(life)).toEqual(['child_terminated'])
  })
  test('transient_normal: is kept and stays away', () => {
    const life = ended('transient', normal)
    expect(contexts(life)).toEqual([])
    kept(life)
  })
  test('temporary_normal: is forgotten', () => {
    const life = ended('temporary', normal)
    expect(contexts(life)).toEqual([])
    forgotten(life)
  })

  test.each(inGoodOrder)('permanent_shutdown: comes back after %s', (_, cause) => restarted(ended('permanent', cause)))
  test.each(inGoodOrder)('transient_shutdown: is kept and stays away after %s', (_, cause) =>
    kept(ended('transient', cause)),
  )
  test.each(inGoodOrder)('temporary_shutdown: is forgotten after %s', (_, cause) =>
    forgotten(ended('temporary', cause)),
  )

  test.each(badly)('permanent_abnormal: comes back after %s', (_, cause) => restarted(ended('permanent', cause)))
  test.each(badly)('transient_abnormal: comes back after %s', (_, cause) => restarted(ended('transient', cause)))
  test.each(badly)('temporary_abnormal: is forgotten after %s, and that is told', (_, cause) => {
    const life = ended('temporary', cause)
    expect(life.b.reports).toMatchObject([{ context: 'child_terminated', reason: cause, offender: { id: 'a' } }])
    forgotten(life)
  })
})
