import { expect, test } from 'vitest'
import type { Trigger } from '../manifests/manifest.ts'
import { fileDedupeKey, slotEventId, triggerId } from './event-id.ts'

const file = {
  type: 'file_watch',
  watchPath: '/data',
  watchPatterns: ['*.csv', '*.tsv'],
  events: ['created', 'modified'],
  recursive: false,
  debounceMs: 500,
  existing: 'ignore',
} as const satisfies Trigger

test('a trigger keeps its id over restarts and tuning', () => {
  expect(triggerId({ type: 'cron', cronExpression: '* * * * *', timezone: 'UTC' })).toBe('cron-3b59a5f0990a')
  expect(triggerId({ ...file, debounceMs: 9, existing: 'deliver', watchPatterns: ['*.tsv', '*.csv'] })).toBe(
    triggerId(file),
  )
})

test.each<[string, Trigger, Trigger]>([
  [
    'zone',
    { type: 'cron', cronExpression: '* * * * *', timezone: 'UTC' },
    { type: 'cron', cronExpression: '* * * * *', timezone: 'Asia/Tokyo' },
  ],
  ['folder', file, { ...file, watchPath: '/other' }],
  ['events', file, { ...file, events: ['created'] }],
  ['depth', file, { ...file, recursive: true }],
  ['source', { type: 'event', eventType: 'a' }, { type: 'event', eventType: 'a', source: 'b' }],
  ['from or topic', { type: 'message', from: 'a' }, { type: 'message', topic: 'a' }],
])('another %s is another trigger', (_name, one, other) => {
  expect(triggerId(one)).not.toBe(triggerId(other))
})

test('a slot has one event id per process and trigger', () => {
  const id = slotEventId('a', 'cron-1', '2026-01-01T00:00:00.000Z')
  expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(slotEventId('a', 'cron-1', '2026-01-01T00:00:00.000Z')).toBe(id)
  const others = [
    slotEventId('b', 'cron-1', '2026-01-01T00:00:00.000Z'),
    slotEventId('a', 'cron-2', '2026-01-01T00:00:00.000Z'),
    slotEventId('a', 'cron-1', '2026-01-01T00:05:00.000Z'),
  ]
  expect(new Set([id, ...others]).size).toBe(4)
})

test('each version of a file has its own dedupe key', () => {
  const change = { kind: 'created', path: '/data/a', size: 1, mtimeMs: 2, inode: 3 } as const
  const keys = [
    change,
    { ...change },
    { ...change, size: 2 },
    { ...change, mtimeMs: 3 },
    { ...change, inode: 4 },
    { ...change, path: '/data/b' },
    { ...change, kind: 'modified' as const },
  ].map(fileDedupeKey)
  expect(new Set(keys).size).toBe(6)
})
