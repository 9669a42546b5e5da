import { openFileStore } from '@vigil/journal'
import type { JournalRecord } from '@vigil/protocol'
import { applyRecord, type World as Folds, recover, snapshotRow } from '@vigil/supervisor/internal'
import { simulatedFileSystem, virtualClock, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/** The journal of a fleet at work, cut at every byte: each rest is a past that ring 0 can go on from. */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const segment = '/data/journal/0000000000000001.jsonl'

async function fleetJournal(): Promise<Uint8Array> {
  const w = world({
    seed,
    segmentBytes: 1_000_000,
    agents: {
      reporter: {
        triggers: [{ type: 'event', eventType: 'tick' }],
        run: async (_event, ctx) => {
          ctx.state.add('ticks', 1)
          await ctx.fetch('http://out.test/', { method: 'POST' })
        },
        network: { allow: ['out.test'] },
      },
      ticker: {
        triggers: [{ type: 'cron', cronExpression: '*/5 * * * * *' }],
        run: (_event, ctx) => ctx.step('nested', () => ctx.publish('tick', { now: ctx.now() })),
      },
    },
  })
  try {
    await w.run(60_000)
    await w.stop()
    return (await w.disk.readFile(segment)).slice()
  } finally {
    w.close()
  }
}

async function recoverFrom(bytes: Uint8Array) {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data/journal')
  const handle = await disk.open(segment, 'create')
  handle.write(bytes, 0)
  await handle.close()
  const store = await openFileStore({ fileSystem: disk, clock: virtualClock(), directory: '/data' })
  const log: JournalRecord[] = []
  await store.replay(0, (record) => void log.push(record))
  const recovered = await recover(store)
  await store.close()
  return { log, recovered }
}

test('fault 1: every prefix of bytes is a prefix of records, and the same world as when they were written', {
  timeout: 600_000,
}, async () => {
  const bytes = await fleetJournal()
  const whole = (await recoverFrom(bytes)).log
  expect(whole.length).toBeGreaterThan(100)
  const folds: Folds = new Map()
  let folded = 0
  for (let cut = torture ? 0 : seed % 10; cut <= bytes.length; cut += torture ? 1 : 10) {
    const { log, recovered } = await recoverFrom(bytes.subarray(0, cut))
    expect(log, `cut at ${cut}`).toEqual(whole.slice(0, log.length))
    for (; folded < log.length; folded += 1) applyRecord(folds, whole[folded] as JournalRecord)
    expect(rows(recovered.world), `cut at ${cut}`).toEqual(rows(folds))
    expect(recovered.report.lost, `cut at ${cut}`).toBe(0)
  }
  // The last cut of a sample may miss the last bytes.
  expect(folded).toBeGreaterThanOrEqual(whole.length - 1)
})

const rows = (of: Folds): unknown => JSON.parse(JSON.stringify([...of.values()].map(snapshotRow)))
