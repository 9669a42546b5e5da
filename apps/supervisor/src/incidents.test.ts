import type { JournalRecord, ProcessName } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { incidentOf } from './incidents.ts'

const place = { seq: 1, n: 1, at: '2026-01-01T00:00:00.000Z', process: 'alpha' as ProcessName, epoch: 1 }
const exited = (cause: object, restart?: number): JournalRecord =>
  ({
    ...place,
    type: 'incarnation.exited',
    data: { cause, turns: [], charged: true, ...(restart === undefined ? {} : { restart_in_ms: restart }) },
  }) as JournalRecord

test('a bad end is told with what follows, a good one is not', () => {
  expect(incidentOf(exited({ kind: 'memory', used_mb: 300, limit_mb: 64 }, 50))?.message).toBe(
    'its life ended: memory; restarting in 50 ms',
  )
  expect(incidentOf(exited({ kind: 'shutdown' }))).toBeUndefined()
})

test('a dead letter is told with its reason', () => {
  const data = { event_id: 'e1', attempts: 3, reason: 'retries_exhausted', error: { code: 'X', message: 'no luck' } }
  const line = incidentOf({ ...place, type: 'turn.dead_lettered', turn: 't-e1', data })
  expect(line).toMatchObject({
    process: 'alpha',
    level: 'warn',
    turn: 't-e1',
    message: expect.stringContaining('no luck'),
  })
})
