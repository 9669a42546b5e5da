import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import { applyRecord, recover, snapshotRow, type World } from '@vigil/supervisor/internal'
import { type SimulatedFileSystem, simulatedFileSystem, type VirtualClock, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accepted, started } from '../../packages/supervisor/fixtures/process.ts'
import { packRow, unpackRow } from '../../packages/supervisor/src/fold/packed-row.ts'
import type { ProcessFold } from '../../packages/supervisor/src/fold/process-fold.ts'
import { manifestFromSpec } from '../../packages/supervisor/src/manifests/spec.ts'
import { type Checkpointer, checkpointer } from '../../packages/supervisor/src/runtime/checkpointer.ts'
import { type RecordLog, recordLog } from '../../packages/supervisor/src/runtime/record-log.ts'

const names = ['alpha', 'beta', 'gamma'] as const
type Name = (typeof names)[number]

const deployed = (name: Name): RecordDraft => ({
  process: name as ProcessName,
  epoch: 1,
  type: 'process.deployed',
  data: {
    revision: 1,
    manifest: { ...manifestFromSpec({ name, entrypoint: '/a.ts' }, { baseDirectory: '/' }) },
    bundle: 'b1',
    by: 'program',
  },
})

/** What happens to processes: each kind makes drafts from a number that is never the same. */
const kinds = {
  accept: (name, id) => [of(name, accepted(`e${id}`, { id }))],
  work: (name, id) => [
    of(name, accepted(`w${id}`)),
    of(name, started(`w${id}`)),
    ...[1, 2, 3].map(
      (key): RecordDraft => ({
        ...author(name),
        type: 'effect.completed',
        turn: `t-w${id}`,
        data: { key: `step:${key}`, kind: 'step', outcome: { ok: true, value: id } },
      }),
    ),
  ],
  finish: (name, id) => [
    of(name, accepted(`f${id}`)),
    of(name, started(`f${id}`)),
    {
      ...author(name),
      type: 'turn.completed',
      turn: `t-f${id}`,
      data: { event_id: `f${id}`, attempt: 1, result: null, writes: { add: { n: 1 }, append: { list: [id] } } },
    },
  ],
  publish: (name, id) => [
    {
      ...author(name),
      type: 'bus.published',
      data: {
        event_id: `p${id}`,
        topic: 'a.b',
        data: id,
        source: name,
        timestamp: '2026-01-01T00:00:00.000Z',
        deliveries: names.map((process) => ({ process, trigger_id: 'x', event_id: `p${id}` })),
      },
    },
  ],
  remember: (name, id) => [
    { ...author(name), type: 'memory.stored', data: { id: `m-${id % 7}`, text: `${id}`, space: `team${id % 2}` } },
    { ...author(name), type: 'memory.stored', data: { id: `m-${id % 7}`, text: `${id}` } },
  ],
  forget: (name, id) => [
    { ...author(name), type: 'memory.forgotten', data: { id: `m-${id % 7}`, was_there: true, space: `team${id % 2}` } },
  ],
  remove: (name) => [{ ...author(name), type: 'process.removed', data: { by: 'program' } }],
  deploy: (name) => [deployed(name)],
} satisfies Record<string, (name: Name, id: number) => RecordDraft[]>

const author = (name: Name) => ({ process: name as ProcessName, epoch: 1 })
const of = (name: Name, draft: RecordDraft): RecordDraft => ({ ...draft, process: name as ProcessName })

const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...Object.keys(kinds)), fc.constantFrom(...names)) },
  { weight: 6, arbitrary: fc.constant('goOn' as const) },
  { weight: 2, arbitrary: fc.constant('round' as const) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
)

/** The disk as one life sees it: what a life was about to do when it died, it never does. */
function mortal(disk: SimulatedFileSystem): { readonly fileSystem: FileSystem; readonly die: () => void } {
  let dead = false
  const fileSystem = new Proxy(disk, {
    get: (target, name: keyof SimulatedFileSystem) =>
      dead ? () => Promise.reject(Object.assign(new Error('EBADF'), { code: 'EBADF' })) : target[name],
  })
  const die = (): void => {
    dead = true
  }
  return { fileSystem, die }
}

interface Ring {
  readonly clock: VirtualClock
  readonly die: () => void
  readonly journal: JournalStore
  readonly log: RecordLog
  readonly checkpoints: Checkpointer
}

async function start(disk: SimulatedFileSystem): Promise<Ring> {
  const clock = virtualClock()
  const { fileSystem, die } = mortal(disk)
  const journal = await openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 2_000 })
  const { world, rows, changed } = await recover(journal)
  const log = recordLog({ journal, world, changed })
  const policy = { everyMs: 1e9, everyRecords: 1e9, bytesAtOnce: 1 }
  const checkpoints = checkpointer({ log, clock, policy, rows, failed: () => undefined })
  return { clock, die, journal, log, checkpoints }
}

const plain = (world: World): unknown =>
  JSON.parse(JSON.stringify(Object.fromEntries([...world].map(([name, process]) => [name, snapshotRow(process)]))))

/** What the newest round and the log behind it say, and what the log alone says. */
async function bothWays(journal: JournalStore): Promise<{ recovered: unknown; folded: unknown }> {
  const folds: World = new Map()
  await journal.replay(0, (record) => applyRecord(folds, record))
  return { recovered: plain((await recover(journal)).world), folded: plain(folds) }
}

describe('a round whose rows are of different instants', () => {
  test('says with the log behind it what the whole log says, whatever happens meanwhile', {
    timeout: 60_000,
  }, async () => {
    let mixed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), async (steps, sectors) => {
        const disk = simulatedFileSystem()
        await disk.makeDirectory('/data')
        let ring = await start(disk)
        ring.log.commit(names.map(deployed))
        for (const [id, each] of steps.entries()) {
          if (each === 'goOn') await ring.clock.advance(0)
          else if (each === 'round') void ring.checkpoints.round().catch(() => undefined)
          else if (each === 'restart') {
            ring.die()
            let nth = 0
            disk.crash({ keepNames: true, keepSector: () => ((sectors >> (nth++ % 31)) & 1) === 1, sectorBytes: 64 })
            ring = await start(disk)
            const { recovered, folded } = await bothWays(ring.journal)
            expect(recovered).toEqual(folded)
            expect(plain(ring.log.world)).toEqual(folded)
          } else ring.log.commit(kinds[each[0] as keyof typeof kinds](each[1], id))
        }
        await ring.journal.durable(ring.journal.lastSeq)
        const { recovered, folded } = await bothWays(ring.journal)
        expect(recovered).toEqual(folded)
        expect(plain(ring.log.world)).toEqual(folded)
        const rows = [...((await ring.journal.loadCheckpoint())?.rows.values() ?? [])]
        if (new Set(rows.map((row) => unpackRow(row).seq)).size > 1) mixed += 1
      }),
      { numRuns: 200 },
    )
    expect(mixed, 'rounds went on while records came').toBeGreaterThan(10)
  })

  test('carries the row of a process that did not change over as it is', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    let ring = await start(disk)
    const round = async (): Promise<ReadonlyMap<string, Uint8Array>> => {
      const done = ring.checkpoints.round()
      for (let tick = 0; tick < 20; tick += 1) await ring.clock.advance(0)
      await done
      return (await ring.journal.loadCheckpoint())?.rows ?? new Map()
    }
    ring.log.commit(names.map(deployed))
    const first = await round()
    ring.log.commit([of('beta', accepted('e1'))])
    const second = await round()
    expect(second.get('alpha')).toBe(first.get('alpha'))
    expect(unpackRow(second.get('beta') as Uint8Array).process.mailbox.size).toBe(1)
    await ring.journal.close()
    ring = await start(disk)
    ring.log.commit([of('gamma', accepted('e2'))])
    const third = await round()
    expect(['alpha', 'beta'].map((name) => unpackRow(third.get(name) as Uint8Array).seq)).toEqual(
      ['alpha', 'beta'].map((name) => unpackRow(second.get(name) as Uint8Array).seq),
    )
    ring.log.commit([{ ...author('alpha'), type: 'process.removed', data: { by: 'program' } }])
    expect([...(await round()).keys()]).toEqual(['beta', 'gamma'])
    await ring.journal.close()
  })

  test('is passed over when its rows cannot be restored: the one before or the log says the same', async () => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory('/data')
    const { journal, log, clock, checkpoints } = await start(disk)
    log.commit(names.map(deployed))
    for (let id = 0; id < 30; id += 1) log.commit([of('alpha', accepted(`e${id}`))])
    const done = checkpoints.round()
    for (let tick = 0; tick < 20; tick += 1) await clock.advance(0)
    await done
    const good = await journal.loadCheckpoint()
    const spoiled = async (): Promise<void> => {
      log.commit([of('beta', accepted(`later${journal.lastSeq}`))])
      const { restarts: _, ...old } = log.world.get('beta') as ProcessFold
      const row = Buffer.concat([...packRow(old as ProcessFold, journal.lastSeq)])
      const rows = new Map([...(good?.rows ?? []), ['beta', row]])
      await journal.saveCheckpoint({ seq: journal.lastSeq, at: 1, rows })
    }
    await spoiled()
    const { rows } = await recover(journal)
    expect(names.map((name) => unpackRow(rows.get(name) as Uint8Array).seq)).toEqual(
      names.map((name) => unpackRow(good?.rows.get(name) as Uint8Array).seq),
    )
    await spoiled()
    expect((await recover(journal)).rows.size).toBe(0)
    await journal.close()
    const again = await start(disk)
    const { recovered, folded } = await bothWays(again.journal)
    expect(recovered).toEqual(folded)
    await disk.remove('/data/journal/0000000000000001.jsonl')
    await expect(recover(again.journal)).rejects.toMatchObject({
      code: 'JOURNAL_DAMAGED',
      message: expect.stringContaining('start the version that wrote the newest checkpoint'),
    })
    await again.journal.close()
  })
})
