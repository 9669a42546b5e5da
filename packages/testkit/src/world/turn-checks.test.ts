import type { JournalRecord, ProcessName, RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { channelsBeginAnew } from './turn-checks.ts'

const about = { process: 'a' as ProcessName, epoch: 1, turn: 't-e' }
const started = (attempt: number): RecordDraft => ({
  ...about,
  type: 'turn.started',
  data: { event_id: 'e', attempt, bundle: 'b', started_at: 'then' },
})
const opened: RecordDraft = {
  ...about,
  type: 'effect.completed',
  data: { key: 'channel:x:1', kind: 'channel', outcome: { ok: true, value: null }, rerun: true },
}
const logOf = (drafts: readonly RecordDraft[]): JournalRecord[] =>
  drafts.map((draft, index) => ({ ...draft, seq: index + 1, n: index + 1, at: 'then' }))

test('an attempt that had a channel may not go on after a cut, and may begin anew', () => {
  expect(channelsBeginAnew(logOf([started(1), opened, started(2), opened, started(3)]))).toEqual([])
  expect(channelsBeginAnew(logOf([started(1), started(1), opened]))).toEqual([])
  expect(channelsBeginAnew(logOf([started(1), opened, started(1)]))).toEqual([
    'record 3: attempt 1 of turn t-e of a had a channel and goes on',
  ])
})
