import { openMemoryStore } from '@vigil/journal'
import type { RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { systemClock } from '../platform/clock.ts'
import { recover } from './recovery.ts'

const turn = 't-e1'
const intended = (key: string): RecordDraft => ({
  ...alpha,
  type: 'effect.intended',
  turn,
  data: { key, kind: 'fetch', input: null, repeatable: true },
})
const completed = (key: string, rerun = false): RecordDraft => ({
  ...alpha,
  type: 'effect.completed',
  turn,
  data: { key, kind: 'fetch', outcome: { ok: true, value: 1 }, rerun },
})
const published = (key: string): RecordDraft => ({
  ...alpha,
  type: 'bus.published',
  turn,
  data: { event_id: key, topic: 't', data: 1, source: 'alpha', timestamp: 'then', key, deliveries: [] },
})
const failed: RecordDraft = {
  ...alpha,
  type: 'turn.attempt_failed',
  turn,
  data: { attempt: 1, error: { code: 'X', message: 'm' }, retry_at: 'then' },
}

async function repeatedIn(drafts: readonly RecordDraft[]): Promise<number> {
  const clock = systemClock()
  const store = openMemoryStore({ clock })
  const { fold } = worldOf({})
  const { revision, manifest, bundle } = fold()
  const deploy = { revision, manifest: { ...manifest }, bundle, by: 'program' }
  store.append([{ ...alpha, epoch: 0, type: 'process.deployed', data: deploy }], 'durable')
  store.append([accepted('e1'), started('e1'), ...drafts], 'durable')
  await store.durable(store.lastSeq)
  const { report } = await recover(store)
  await store.close()
  clock.close()
  return report.repeated
}

test.each<[string, number, RecordDraft[]]>([
  ['nothing that was made once', 0, [intended('a'), completed('a'), completed('b'), published('c')]],
  ['a second intent', 1, [intended('a'), completed('a'), intended('a')]],
  ['a second outcome', 1, [intended('a'), completed('a'), completed('a')]],
  ['a second publication', 1, [published('c'), published('c')]],
  [
    'no read that the next attempt does again',
    0,
    [completed('a', true), failed, started('e1', 2), completed('a', true)],
  ],
  [
    'an outcome that the next attempt has and makes again',
    1,
    [completed('a'), failed, started('e1', 2), completed('a')],
  ],
])('recovery counts %s', async (_, count, drafts) => {
  expect(await repeatedIn(drafts)).toBe(count)
})
