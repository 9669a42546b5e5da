import { openFileStore } from '@vigil/journal'
import type { JournalRecord, JournalStore, PageQuery } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, type VirtualClock, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  acknowledged,
  appended,
  emptyModel,
  everything,
  gaps,
  type JournalModel,
  paged,
  reopened,
  survivals,
  tailed,
} from './journal-model.ts'
import { all, draft } from './journal-store-subjects.ts'

/** Fault test 25: the journal on a simulated disk, and a list that cannot lose anything, are given the same commands. */
const runs = process.env['VIGIL_TORTURE'] === undefined ? 150 : 5_000
const seed = Number(process.env['VIGIL_SEED'] ?? 1)

interface Real {
  readonly disk: SimulatedFileSystem
  readonly clock: VirtualClock
  store: JournalStore
  model: JournalModel
}

type Command = fc.AsyncCommand<object, Real>
const open = ({ disk, clock }: Pick<Real, 'disk' | 'clock'>): Promise<JournalStore> =>
  openFileStore({ fileSystem: disk, clock, directory: '/data', segmentBytes: 900, ballastBytes: 0 })

/** A command that may always come, and how it is called when something breaks. */
const command = (name: string, run: (real: Real) => Promise<void>): Command => ({
  check: () => true,
  run: (_, real) => run(real),
  toString: () => name,
})

const told = (real: Real): void => {
  real.model = acknowledged(real.model, real.store.durableSeq)
}

/** What can be read now: everything durable, and nothing that was never appended. */
async function isWhole(real: Real): Promise<JournalRecord[]> {
  const found = await all(real.store)
  expect(survivals(real.model)).toContainEqual(found)
  expect(gaps(found)).toEqual([])
  return found
}

async function nextLife(real: Real): Promise<void> {
  real.store = await open(real)
  real.model = reopened(real.model, await isWhole(real))
  const checkpoint = await real.store.loadCheckpoint()
  expect(checkpoint?.seq ?? 0).toBeLessThanOrEqual(real.store.lastSeq)
  expect(checkpoint?.seq ?? 0).toBeGreaterThanOrEqual(real.model.checkpoint)
}

const append = (process: string, records: number, urgency: 'durable' | 'lazy'): Command =>
  command(`append(${process}, ${records}, ${urgency})`, async (real) => {
    const drafts = Array.from({ length: records }, (_, each) => draft(process, `${each}`))
    const given = real.store.append(drafts, urgency)
    real.model = appended(real.model, given)
    expect(gaps(everything(real.model))).toEqual([])
  })

const flush = command('flush', async (real) => {
  await real.store.durable(real.store.lastSeq)
  told(real)
  expect(real.model.possible).toEqual([])
  expect(await isWhole(real)).toEqual(real.model.certain)
})

const die = (how: 'kill' | 'power', keepBytes: number, sectors: number): Command =>
  command(`die(${how}, ${keepBytes}, ${sectors})`, async (real) => {
    told(real)
    let nth = 0
    const keepSector = (): boolean => ((sectors >> (nth++ % 31)) & 1) === 1
    if (how === 'kill') real.disk.kill()
    else real.disk.crash({ keepBytes, keepNames: sectors % 2 === 0, keepSector, sectorBytes: 64 })
    // What its own successor reads must also survive the machine.
    await nextLife(real)
    real.disk.crash()
    await nextLife(real)
  })

const reopen = command('reopen', async (real) => {
  await real.store.close()
  real.model = acknowledged(real.model, Number.POSITIVE_INFINITY)
  await nextLife(real)
})

const page = (query: PageQuery): Command =>
  command(`page(${JSON.stringify(query)})`, async (real) => {
    await real.store.durable(real.store.lastSeq)
    told(real)
    expect(await real.store.page(query)).toEqual(paged(real.model.certain, query))
  })

const tail = (back: number, limit: number): Command =>
  command(`tail(${back}, ${limit})`, async (real) => {
    await real.store.durable(real.store.lastSeq)
    told(real)
    const cursor = Math.max(0, real.store.lastSeq - back)
    expect((await real.store.tail(cursor, limit)).records).toEqual(tailed(real.model.certain, cursor, limit))
  })

const checkpoint = command('checkpoint', async (real) => {
  const seq = real.store.durableSeq
  if (seq === 0) return
  await real.store.saveCheckpoint({ seq, at: real.clock.now(), rows: new Map([['a', new Uint8Array([seq % 256])]]) })
  told(real)
  real.model = { ...real.model, checkpoint: seq }
  expect((await real.store.loadCheckpoint())?.seq).toBe(seq)
})

const process_ = fc.constantFrom('a', 'b', 'c')
const commands = fc.commands(
  [
    fc.tuple(process_, fc.integer({ min: 1, max: 4 }), fc.constantFrom('durable', 'lazy')).map((of) => append(...of)),
    fc.tuple(process_, fc.integer({ min: 1, max: 4 }), fc.constantFrom('durable', 'lazy')).map((of) => append(...of)),
    fc.constant(flush),
    fc.tuple(fc.constantFrom('kill', 'power'), fc.constantFrom(0, 1, 90, 500), fc.nat()).map((of) => die(...of)),
    fc.constant(reopen),
    fc
      .record({
        process: process_,
        limit: fc.integer({ min: 1, max: 12 }),
        order: fc.constantFrom('newest_first', 'oldest_first'),
        before: fc.option(fc.integer({ min: 1, max: 30 }), { nil: Number.POSITIVE_INFINITY }),
        after: fc.nat({ max: 10 }),
      })
      .map(page),
    fc.tuple(fc.nat({ max: 20 }), fc.integer({ min: 1, max: 12 })).map((of) => tail(...of)),
    fc.constant(checkpoint),
  ],
  { size: '+1', maxCommands: 60 },
)

test(`fault 25: a journal does what a list does, whatever comes in whatever order (${runs} runs)`, {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (each) => {
      const disk = simulatedFileSystem({ mostBytesPerWrite: 250 })
      await disk.makeDirectory('/data')
      const clock = virtualClock()
      const real: Real = { disk, clock, store: await open({ disk, clock }), model: emptyModel }
      try {
        await fc.asyncModelRun(() => ({ model: {}, real }), each)
      } finally {
        await real.store.close()
      }
    }),
    { numRuns: runs, seed },
  )
})
