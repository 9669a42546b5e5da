import { type ChildInput, reportText, type SupervisorTypes } from '@vigil/supervisor/internal'
import { describe, expect, test } from 'vitest'
import { bench, child, crashed, killed, shutdown } from './bench.ts'

const report: SupervisorTypes.Report & { readonly supervisor: string } = {
  supervisor: 'g/inner',
  context: 'child_terminated',
  reason: { kind: 'error', message: 'boom', stack: `Error: boom\n${'    at somewhere\n'.repeat(500)}` },
  offender: { id: 'a', ref: 7, restart: 'permanent', shutdown: 5_000, type: 'worker' },
}

describe('reports', () => {
  test('external_start_no_progress_log: a start that somebody asks for is no news', () => {
    const b = bench({})
    b.call({ ask: 'start_child', child: child('a') })
    expect([b.reply, b.reports]).toEqual([{ ok: true, id: 'a', ref: expect.any(Number) }, []])
  })

  test('faulty_application_shutdown: who cannot start is told with its own error and its stack', () => {
    const reason = { kind: 'error', message: 'no key', stack: 'Error: no key\n    at load (agent.ts:3:9)' } as const
    const b = bench({}, [child('a'), child('b', {}, { starts: () => 'hang' })])
    b.tree.handle({ type: 'failed', ref: b.pid('b') as number, cause: reason }, 0)
    const told = b.tree.handle({ type: 'exited', ref: b.pid('a') as number, cause: shutdown }, 0)
    expect(told).toContainEqual({ do: 'down', cause: reason })
  })

  test('format_log_1: a report has its four fields, on lines of their own, and never more than it may have', () => {
    const text = reportText(report)
    expect(text.split('\n').slice(0, 2)).toEqual([
      'supervisor g/inner: child_terminated',
      '  offender a (life 7, permanent worker, 5000 ms to stop)',
    ])
    expect(text).toContain("message: 'boom'")
    expect(text.length).toBeLessThanOrEqual(4_000)
    expect(reportText(report, { chars: 80 })).toHaveLength(80)
    expect(reportText(report, { depth: -1 })).toContain('[Object]')
  })

  test('format_log_2: the same in one line, with the same limits', () => {
    const lost = { ...report, context: 'shutdown', reason: killed, offender: { ...report.offender, ref: undefined } }
    expect(reportText(lost as typeof report, { singleLine: true })).toBe(
      "supervisor g/inner: shutdown: a (no life, permanent worker, 5000 ms to stop): { kind: 'signal', signal: 'SIGKILL' }",
    )
    const long = reportText(report, { singleLine: true, chars: 200 })
    expect([long.length, long.includes('\n')]).toEqual([200, false])
  })
})

describe('names', () => {
  const inner = (children: readonly ChildInput[]): ChildInput => ({
    id: 'inner',
    type: 'supervisor',
    start: { flags: { intensity: 5 }, children },
  })

  test('simple_global_supervisor: who dies, by whatever hand, is found again under its name', () => {
    const b = bench({ intensity: 10 }, [inner([child('a')])])
    for (const end of [killed, crashed]) {
      const before = b.pid('a', ['inner'])
      b.exit('a', end, ['inner'])
      expect(b.pid('a', ['inner'])).toEqual(expect.any(Number))
      expect(b.pid('a', ['inner'])).not.toBe(before)
    }
    b.call({ ask: 'terminate_child', id: 'a' }, ['inner'])
    expect(b.call({ ask: 'restart_child', id: 'a' }, ['inner'])).toMatchObject({ ok: true, ref: b.pid('a', ['inner']) })
    b.call({ ask: 'terminate_child', id: 'inner' })
    expect(b.call({ ask: 'restart_child', id: 'inner' })).toMatchObject({ ok: true })
    expect(b.pid('a', ['inner'])).toEqual(expect.any(Number))
  })

  test('already_started_outside_supervisor: a start that finds its name taken is an error and touches nobody', () => {
    const b = bench({}, [child('a')])
    const before = b.pid('a')
    expect(b.call({ ask: 'start_child', child: child('b', {}, { starts: () => 'error' }) })).toMatchObject({
      error: 'start_failed',
    })
    expect([b.pid('b'), b.pid('a'), b.ended()]).toEqual([undefined, before, []])
    expect(b.machine.counts()).toMatchObject({ specs: 1, active: 1 })
  })
})
