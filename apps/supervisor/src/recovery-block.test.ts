import type { ProcessState, RecoveryReport } from '@vigil/supervisor'
import { expect, it } from 'vitest'
import { advice } from './advice.ts'
import { recoveryBlock } from './recovery-block.ts'

const now = new Date(2026, 0, 2, 12, 0, 0)
const at = (day: number, hour: number) => new Date(2026, 0, day, hour, 12, 55).toISOString()
const found = (name: string, checkpointAt: string | undefined, replayed: number, openTurns = 0) => ({
  name,
  replayed,
  openTurns,
  ...(checkpointAt === undefined ? {} : { checkpointAt }),
})
const block = (report: Partial<RecoveryReport>, states: Record<string, ProcessState> = {}) =>
  recoveryBlock({
    report: { orphansEnded: 0, processes: [], lost: 0, repeated: 0, bodiesLost: 0, inDoubt: 0, ...report },
    now,
    stateOf: (name) => states[name] ?? 'running',
  })

it('says that a first start has nothing to recover', () => {
  expect(block({})).toEqual(['[12:00:00] First start: nothing to recover'])
})

it('tells each process as it was found', () => {
  const processes = [found('watcher', at(2, 3), 4, 1), found('reporter', at(2, 3), 1)]
  expect(block({ processes })).toEqual([
    '[12:00:00] Found 2 processes with checkpoints',
    '[12:00:00] Process "watcher" -> Last checkpoint: 03:12:55 -> Replaying 4 records... -> State restored. Resuming 1 open turn.',
    '[12:00:00] Process "reporter" -> Last checkpoint: 03:12:55 -> Replaying 1 record... -> State restored. Resuming.',
    '[12:00:00] 0 accepted events lost, 0 recorded effects repeated, 0 in doubt',
  ])
})

it('says no checkpoint, another day and a state that stays', () => {
  const processes = [found('a', undefined, 2), found('b', at(1, 3), 0)]
  expect(block({ processes }, { b: 'suspended' })).toEqual([
    '[12:00:00] Found 2 processes, 1 with checkpoints',
    '[12:00:00] Process "a" -> No checkpoint yet -> Replaying 2 records... -> State restored. Resuming.',
    '[12:00:00] Process "b" -> Last checkpoint: 2026-01-01 03:12:55 -> Replaying 0 records... -> State restored. Stays suspended.',
    '[12:00:00] 0 accepted events lost, 0 recorded effects repeated, 0 in doubt',
  ])
})

it('hides no loss, no orphan and no torn end', () => {
  const lines = block({
    processes: [found('a', undefined, 2)],
    lost: 1,
    repeated: 2,
    bodiesLost: 2,
    inDoubt: 3,
    orphansEnded: 1,
    tornTail: 'x.torn',
  })
  expect(lines[0]).toContain('Found 1 process in the journal')
  expect(lines[1]).toContain('Ended 1 cell that the last run left behind')
  expect(lines[2]).toContain('Moved a torn end of the journal to x.torn')
  expect(lines.at(-2)).toContain('2 dead letters for bodies that are gone')
  expect(lines.at(-1)).toContain('1 accepted event lost, 2 recorded effects repeated, 3 in doubt')
})

it('gives advice that can be copied', () => {
  const trigger = { type: 'file_watch', watchPath: '/inbox', watchPatterns: ['*.csv'] }
  const lines = advice({
    processes: [{ name: 'sleeper' }, { name: 'watcher', pid: 42 }] as never,
    manifests: [{ triggers: [trigger] }] as never,
    pid: 7,
    tokenFile: '/d/token',
  })
  expect(lines.map((line) => line.split('#')[0]?.trim())).toEqual([
    'Try next, in another terminal:',
    'cp YOUR_FILE.csv /inbox/',
    'kill -9 42',
    'kill -9 7',
    'pnpm vigil ps',
    'cat /d/token',
  ])
})
