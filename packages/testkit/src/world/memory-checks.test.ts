import type { JournalRecord, ProcessName, RecordDraft } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { memoryTold } from './memory-checks.ts'

const about = (process: string) => ({ process: process as ProcessName, epoch: 1, turn: 't-e' })
const deployed = (process: string, share?: string): RecordDraft => ({
  ...about(process),
  type: 'process.deployed',
  data: { revision: 1, manifest: { memory: share === undefined ? {} : { share } }, bundle: 'b', by: 'program' },
})
const space = (share?: string) => (share === undefined ? {} : { space: share })
const stored = (process: string, text: string, share?: string): RecordDraft => ({
  ...about(process),
  type: 'memory.stored',
  data: { id: 'm-1', text, ...space(share) },
})
const forgotten = (process: string, was_there: boolean, share?: string): RecordDraft => ({
  ...about(process),
  type: 'memory.forgotten',
  data: { id: 'm-1', was_there, ...space(share) },
})
const found = (process: string, by: string, ...texts: string[]): RecordDraft => ({
  ...about(process),
  type: 'effect.completed',
  data: {
    ...{ key: 'memory.search::h#0', kind: 'memory.search' },
    outcome: { ok: true, value: texts.map((text) => ({ id: 'm-1', text, by })) },
  },
})
const judged = (...drafts: RecordDraft[]): string[] =>
  memoryTold(drafts.map((draft, index) => ({ ...draft, seq: index + 1, n: index + 1, at: 'then' }) as JournalRecord))

test('a search may give what its memory holds', () => {
  expect(judged(deployed('a'), stored('a', 'x'), found('a', 'a', 'x'), forgotten('a', true), found('a', 'a'))).toEqual(
    [],
  )
  const shared = [deployed('a', 'team'), deployed('b', 'team'), stored('a', 'x', 'team')]
  expect(judged(...shared, found('b', 'a', 'x'), forgotten('b', true, 'team'), found('a', 'a'))).toEqual([])
})

test.each<[string, RecordDraft[]]>([
  ['what was never stored', [deployed('a'), found('a', 'a', 'x')]],
  ['what was forgotten', [deployed('a'), stored('a', 'x'), forgotten('a', true), found('a', 'a', 'x')]],
  ['what was replaced', [deployed('a'), stored('a', 'x'), stored('a', 'y'), found('a', 'a', 'x')]],
  ['what is in the memory of another', [deployed('a'), deployed('b'), stored('b', 'x'), found('a', 'b', 'x')]],
  [
    'what went with its process',
    [
      deployed('a'),
      stored('a', 'x'),
      { ...about('a'), type: 'process.removed', data: { by: 'operator' } },
      deployed('a'),
      found('a', 'a', 'x'),
    ],
  ],
])('and not %s', (_what, drafts) => {
  expect(judged(...drafts)).toEqual([
    `record ${drafts.length}: a search of a gave m-1, which is not what its memory holds`,
  ])
})

test('what is said to be forgotten was there, and what is said not to be was not', () => {
  expect(judged(deployed('a'), forgotten('a', true))).toEqual(['record 2: entry m-1 was not there'])
  expect(judged(deployed('a'), stored('a', 'x'), forgotten('a', false))).toEqual(['record 3: entry m-1 was there'])
})
