import type { AgentContext, AgentEvent } from '@vigil/agent'
import { openFileStore } from '@vigil/journal'
import { type FileSystem, type JournalRecord, type ProcessName, type RecordDraft, recordTable } from '@vigil/protocol'
import { applyRecord, recover, snapshotRow, type World } from '@vigil/supervisor/internal'
import { virtualClock, world } from '@vigil/testkit'
import { type SampledSchema, sampleOf } from './sample.ts'

/** A data directory as today's code leaves it: what ring 0 writes in a seeded run, and a sample of what did not come up. */
export interface Golden {
  /** By path below the data directory. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly reading: GoldenReading
}

export interface GoldenReading {
  readonly types: readonly string[]
  readonly folds: unknown
  /** The same, from the newest checkpoint and what stands behind it. */
  readonly recovered: unknown
}

const folders = ['journal', 'checkpoints', 'blobs'] as const
const sampled = 'sampled' as ProcessName

export async function makeGolden(): Promise<Golden> {
  const pid = Object.getOwnPropertyDescriptor(process, 'pid') as PropertyDescriptor
  // It is on record, and is another one each time.
  Object.defineProperty(process, 'pid', { value: 1, configurable: true })
  const w = world({ seed: 1, segmentBytes: 24_000, agents, checkpoints: { everyMs: 60_000, everyRecords: 40 } })
  try {
    await w.until(() => w.settled, 60_000)
    for (const [key, payload] of Object.entries({ one: {}, two: { fail: 1 }, three: { fail: 9 } }))
      void w.client.postEvent('clerk', payload, { idempotencyKey: key })
    void w.client.addTrigger('reader', { event: 'more.*' })
    void w.client
      .addTrigger('reader', { event: 'less.*' })
      .then((less) => w.client.removeTrigger('reader', less.trigger_id))
    w.files.put('/in/a.csv', 'a,b\n')
    await w.run(90_000)
    w.cells.crash('clerk')
    void w.client.postEvent('clerk', {}, { idempotencyKey: 'four' })
    await w.run(90_000)
    await w.stop()
    await appendSamples(w.disk)
    const files = new Map<string, Uint8Array>()
    for (const folder of folders) await collect(w.disk, folder, files)
    return { files, reading: await readGolden(w.disk, '/data') }
  } finally {
    w.close()
    Object.defineProperty(process, 'pid', pid)
  }
}

async function collect(disk: FileSystem, path: string, files: Map<string, Uint8Array>): Promise<void> {
  for (const name of await disk.readDirectory(`/data/${path}`)) {
    const inner = `${path}/${name}`
    if ((await disk.stat(`/data/${inner}`))?.kind === 'directory') await collect(disk, inner, files)
    // An index is made again from its segment.
    else if (!name.endsWith('.idx')) files.set(inner, (await disk.readFile(`/data/${inner}`)).slice())
  }
}

const agents = {
  clerk: {
    network: { allow: ['out.test'] },
    files: { out: { path: '/out', mode: 'rw' as const } },
    triggers: [{ type: 'cron' as const, cronExpression: '*/30 * * * * *' }],
    async run(event: AgentEvent, ctx: AgentContext) {
      const { fail = 0 } = event.payload as { fail?: number }
      await ctx.fetch('http://out.test/orders', { method: 'POST', body: 'x' })
      await ctx.step('count', () => ctx.random())
      await ctx.files.write('out/report.txt', 'report')
      if (ctx.turn.attempt <= fail) throw new Error('not yet')
      await ctx.publish('news.clerk', { now: ctx.now(), text: 'large '.repeat(1_000) })
      await ctx.send('reader', { text: 'done' })
      await ctx.sleep(1_000)
      ctx.state.add('turns', 1)
      ctx.state.set('last', event.type)
      return 'done'
    },
  },
  watcher: {
    triggers: [{ type: 'file_watch' as const, watchPath: '/in', existing: 'ignore' as const }],
    run: () => 'seen',
  },
  reader: {
    triggers: [{ type: 'event' as const, eventType: 'news.*' }, { type: 'message' as const }],
    hibernateAfter: '10s',
    run: (_: AgentEvent, ctx: AgentContext) => ctx.state.append('read', 1),
  },
  [sampled]: { triggers: [{ type: 'message' as const }], run: () => undefined },
}

/** What a run does not bring about comes from the table: `process.removed` last, because nothing is left behind it. */
async function appendSamples(fileSystem: FileSystem): Promise<void> {
  const store = await openFileStore({ fileSystem, clock: virtualClock(), directory: '/data' })
  const present = new Set<string>()
  await store.replay(0, ({ type }) => void present.add(type))
  const missing = Object.keys(recordTable).filter((type) => !present.has(type) && type !== 'process.removed')
  const drafts = [...missing, 'process.removed'].map((type) => {
    const schema = recordTable[type as keyof typeof recordTable].data.toJSONSchema() as SampledSchema
    return { process: sampled, epoch: 9, type, data: sampleOf(schema) } as RecordDraft
  })
  store.append(drafts, 'durable')
  await store.durable(store.lastSeq)
  await store.close()
}

export async function readGolden(fileSystem: FileSystem, directory: string): Promise<GoldenReading> {
  const store = await openFileStore({ fileSystem, clock: virtualClock(), directory })
  const folds: World = new Map()
  const types = new Set<string>()
  await store.replay(0, (record: JournalRecord) => {
    types.add(record.type)
    applyRecord(folds, record)
  })
  const recovered = await recover(store)
  await store.close()
  return { types: [...types].sort(), folds: rows(folds), recovered: rows(recovered.world) }
}

const rows = (of: World): unknown =>
  JSON.parse(JSON.stringify(Object.fromEntries([...of].sort().map(([name, fold]) => [name, snapshotRow(fold)]))))
