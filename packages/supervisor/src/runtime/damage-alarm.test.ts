import type { JournalDamage, JournalPage, RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { damageAlarm } from './damage-alarm.ts'
import type { RecordLog } from './record-log.ts'

/** A log of which only what the alarm touches is there. */
function logWith(known: readonly string[]) {
  const committed: RecordDraft[] = []
  let tell: (damage: JournalDamage) => void = () => undefined
  const page: JournalPage = {
    records: known.map((segment) => ({ type: 'journal.damage_found', data: { segment, offset: 1 } }) as never),
    damaged: [],
  }
  const log = {
    journal: {
      page: () => Promise.resolve(page),
      onDamage: (listener: typeof tell) => {
        tell = listener
        return () => undefined
      },
    },
    commit: (drafts: readonly RecordDraft[]) => void committed.push(...drafts),
  } as unknown as RecordLog
  return { log, committed, tell: (damage: JournalDamage) => tell(damage) }
}

test('damage is said and listed at once, and recorded unless it is on record', async () => {
  const { log, committed, tell } = logWith(['1.jsonl'])
  const said: string[] = []
  const damaged = damageAlarm(log, ({ level, message }) => said.push(`${level} ${message}`))
  tell({ segment: '1.jsonl', offset: 5 })
  tell({ segment: '2.jsonl', offset: 7 })
  expect(damaged).toEqual([
    { segment: '1.jsonl', offset: 5 },
    { segment: '2.jsonl', offset: 7 },
  ])
  expect(said).toEqual([expect.stringMatching(/^error .*1\.jsonl.*byte 5/), expect.stringMatching(/2\.jsonl.*byte 7/)])
  await new Promise(setImmediate)
  expect(committed).toMatchObject([{ type: 'journal.damage_found', data: { segment: '2.jsonl', offset: 7 } }])
})
