import type { JournalRecord, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, seededRandom, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { open, prepared } from './journal-disk-faults-subjects.ts'
import { all, memory, realFiles, type Subject, segments, simulatedFiles } from './journal-store-subjects.ts'

const large = (seed: string, bytes = 5_000): string => seed.repeat(Math.ceil(bytes / seed.length))

const accepted = (process: string, id: string, payload: unknown): RecordDraft => ({
  process: process as ProcessName,
  epoch: 1,
  type: 'trigger.accepted',
  data: {
    event: { event_id: id, trigger_id: 'manual', type: 'manual', timestamp: 'then', payload, metadata: {} },
  },
})
const drafts: RecordDraft[] = [
  accepted('a', 'e1', { text: large('ä') }),
  {
    process: 'a' as ProcessName,
    epoch: 1,
    type: 'bus.published',
    data: { event_id: 'p', topic: 't', data: large('data'), source: 'a', timestamp: 'then', deliveries: [] },
  },
  {
    process: 'a' as ProcessName,
    epoch: 1,
    type: 'message.sent',
    data: { message_id: 'm', to: 'b', sender: 'a', content: [large('content')], timestamp: 'then', deliveries: [] },
  },
  {
    process: 'b' as ProcessName,
    epoch: 1,
    type: 'effect.completed',
    turn: 't1',
    data: { key: 'k', kind: 'fetch', outcome: { ok: true, value: { body: large('body', 200_000) } } },
  },
  {
    process: 'b' as ProcessName,
    epoch: 1,
    type: 'effect.completed',
    turn: 't1',
    data: { key: 'l', kind: 'fetch', outcome: { ok: false, error: { code: 'X', message: large('error') } } },
  },
  {
    process: 'b' as ProcessName,
    epoch: 1,
    type: 'turn.completed',
    turn: 't1',
    data: { event_id: 'e1', attempt: 1, result: { rows: large('row') }, writes: { set: { kept: large('state') } } },
  },
  {
    process: 'a' as ProcessName,
    epoch: 1,
    type: 'state.patched',
    data: { set: { kept: large('patch') }, by: 'operator' },
  },
]
const hash = 'a'.repeat(64)
const lookalikes: unknown[] = [
  { $blob: hash, bytes: 5_000 },
  { $blob: hash, bytes: 5_000, gone: true },
  { $blob: 1 },
  { $plain: 1 },
  { $plain: { $blob: hash, bytes: 1 } },
  { $plain: undefined, $other: 1, text: large('x') },
  { bytes: 5_000, $blob: hash },
  { other: 1, $plain: 2 },
  { a: { $blob: hash, bytes: 1 } },
  [{ $blob: hash, bytes: 1 }],
  '{"$blob":"x"}',
  null,
]

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe.each<[string, () => Promise<Subject>]>([
  ['memory', memory],
  ['a simulated disk', simulatedFiles],
  ['files', realFiles],
])('bodies in %s', (_name, subject) => {
  const held = async (given: readonly RecordDraft[]) => {
    const { store, close } = await subject()
    const records = given.flatMap((draft) => store.append([draft], 'durable'))
    await store.durable(store.lastSeq)
    const replayed = await all(store)
    const { records: tailed } = await store.tail(0, 100)
    const pages = await Promise.all(['a', 'b'].map((process) => store.page({ process, limit: 100 })))
    const paged = pages.flatMap((page) => page.records).sort((one, other) => one.seq - other.seq)
    await close()
    return { records, replayed, tailed, paged }
  }

  test('are read back whole, by replay, pages and tail', async () => {
    const { records, replayed, tailed, paged } = await held(drafts)
    expect(records.map(({ data }) => data)).toEqual(drafts.map(({ data }) => data))
    for (const read of [replayed, tailed, paged]) expect(read).toEqual(plain(records))
  })

  test('that look like references or their wrapping come back as they were', async () => {
    const { records, replayed, tailed, paged } = await held(
      lookalikes.map((value, index) => accepted('a', `${index}`, value)),
    )
    for (const read of [replayed, tailed, paged]) expect(read).toEqual(plain(records))
  })
})

const blobs = async (disk: SimulatedFileSystem, process: string): Promise<string[]> =>
  (await disk.stat(`/data/blobs/${process}`)) === undefined ? [] : await disk.readDirectory(`/data/blobs/${process}`)

const log = async (disk: SimulatedFileSystem): Promise<string> =>
  Buffer.concat(await Promise.all((await segments(disk)).map((path) => disk.readFile(path)))).toString()

const written = async (store: JournalStore, ...given: RecordDraft[]): Promise<readonly JournalRecord[]> => {
  const records = store.append(given, 'durable')
  await store.durable(store.lastSeq)
  return records
}

describe('large bodies beside the log', () => {
  test('a line holds the hash, a small body and state stay in it, and the same content lies there once for a process', async () => {
    const disk = await prepared()
    const store = await open(disk)
    await written(
      store,
      ...drafts,
      accepted('a', 'e2', { text: large('ä') }),
      accepted('b', 'e3', { text: large('ä') }),
    )
    await written(store, accepted('a', 'e4', { text: large('ä') }))
    expect(await blobs(disk, 'a')).toHaveLength(3)
    expect(await blobs(disk, 'b')).toHaveLength(3)
    const text = await log(disk)
    expect(text).toMatch(/"payload":\{"\$blob":"[0-9a-f]{64}","bytes":10011\}/)
    for (const beside of ['äää', 'datadata', 'contentcontent', 'bodybody', 'rowrow']) expect(text).not.toContain(beside)
    for (const inside of ['errorerror', 'statestate', 'patchpatch']) expect(text).toContain(inside)
    await store.close()
  })

  test('a page may name them', async () => {
    const store = await open(await prepared())
    await written(store, ...drafts)
    const { records } = await store.page({ process: 'b', limit: 1, bodies: 'named' })
    expect(records[0]?.data).toMatchObject({ result: { $blob: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: 5_012 } })
    await store.close()
  })

  test('one flush with many bodies costs one sync of their folder', async () => {
    let folderSyncs = 0
    const disk = simulatedFileSystem({
      onOperation: (operation) => {
        if (operation === 'syncDirectory') folderSyncs += 1
      },
    })
    await disk.makeDirectory('/data')
    const store = await open(disk)
    await written(store, accepted('a', 'first', large('first')))
    folderSyncs = 0
    await written(
      store,
      ...Array.from({ length: 50 }, (_, index) => accepted('a', `${index}`, large(`${index}-`, 6_000))),
    )
    expect(await blobs(disk, 'a')).toHaveLength(51)
    // And one of the log's own, for a new segment.
    expect(folderSyncs).toBeLessThanOrEqual(2)
    await store.close()
  })

  test('whenever the power goes off, every line that is left has its body', async () => {
    const whole = await prepared()
    const before = whole.operations()
    const living = async (disk: SimulatedFileSystem): Promise<number> => {
      let acknowledged = 0
      try {
        const store = await open(disk)
        for (let round = 0; round < 6; round += 1) {
          await written(
            store,
            accepted('ab'[round % 2] as string, `${round}`, large(`${round % 4}`)),
            accepted('a', `${round}x`, round),
          )
          acknowledged = store.lastSeq
        }
        await store.close()
      } catch {}
      return acknowledged
    }
    await living(whole)
    for (let operations = 0; operations <= whole.operations() - before; operations += 1) {
      const random = seededRandom(operations)
      const coin = (): boolean => random.next() < 0.5
      for (const kept of [{}, { keepNames: true }, { keepNames: coin, keepSector: coin }]) {
        const disk = await prepared()
        disk.cutPower({ operations })
        const acknowledged = await living(disk)
        disk.crash(kept)
        const records = await all(await open(disk))
        expect(records.length).toBeGreaterThanOrEqual(acknowledged)
        for (const record of records)
          expect(JSON.stringify(record), `power off after ${operations}`).not.toContain('"gone"')
      }
    }
  })

  test('a body that is gone, or is not what was written, is marked; the rest is read as ever', async () => {
    const disk = await prepared()
    const store = await open(disk)
    await written(store, accepted('a', 'e1', large('one')), accepted('a', 'e2', large('two')), accepted('a', 'e3', 3))
    const [first, second] = (await blobs(disk, 'a')) as [string, string]
    await disk.remove(`/data/blobs/a/${first}`)
    ;(await disk.open(`/data/blobs/a/${second}`, 'write')).write(Buffer.from('x'), 100)
    const payloads = (await all(store)).map((record) => record.type === 'trigger.accepted' && record.data.event.payload)
    expect(payloads).toEqual([
      { $blob: expect.any(String), bytes: expect.any(Number), gone: true },
      { $blob: expect.any(String), bytes: expect.any(Number), gone: true },
      3,
    ])
    await store.close()
  })

  test('a disk that fills under a body is waited for, like one that fills under a line', async () => {
    const clock = virtualClock()
    const disk = await prepared()
    const store = await open(disk, clock)
    disk.full(200)
    const records = store.append([accepted('a', 'e1', large('one'))], 'durable')
    await clock.advance(20_000)
    expect([store.space.state, store.durableSeq]).toEqual(['exhausted', 0])
    disk.roomAgain()
    await clock.advance(10_000)
    expect(store.space.state).toBe('open')
    expect(await all(store)).toEqual(records)
    await store.close()
  })

  test('a failed sync of a body is the last, like one of a line', async () => {
    const disk = await prepared()
    const store = await open(disk)
    disk.failNext({ operation: 'sync', code: 'EIO' })
    store.append([accepted('a', 'e1', large('one'))], 'durable')
    expect(await store.failed).toMatchObject({ code: 'JOURNAL_FAILED' })
    await store.close()
    disk.crash()
    expect(await all(await open(disk))).toEqual([])
  })
})

describe('a sweep', () => {
  const payloadsOf = async (store: JournalStore): Promise<unknown[]> =>
    (await all(store)).flatMap((record) => (record.type === 'trigger.accepted' ? [record.data.event.payload] : []))

  test('takes what is old and not needed, also what a crash left without a line', async () => {
    const clock = virtualClock()
    const disk = simulatedFileSystem({ now: () => clock.now() })
    await disk.makeDirectory('/data')
    const store = await open(disk, clock)
    await written(store, accepted('a', 'e1', large('old')), accepted('a', 'e2', large('needed')))
    const needed = new Set([(await blobs(disk, 'a'))[0] as string])
    const handle = await disk.open('/data/blobs/a/0123.tmp', 'create')
    await handle.close()
    await clock.advance(10_000)
    const before = clock.now()
    await clock.advance(10_000)
    await written(store, accepted('a', 'e3', large('young')))
    expect(await store.bodies?.sweep({ before: new Map([['a', before]]), needed: () => needed })).toBe(2)
    expect(await blobs(disk, 'a')).toHaveLength(2)
    expect((await payloadsOf(store)).filter((payload) => typeof payload === 'object')).toHaveLength(1)
    expect(await store.bodies?.processes()).toEqual(['a'])
    await store.close()
  })

  test('leaves what is named while it goes, and waits until what it goes by is durable', async () => {
    const clock = virtualClock()
    const disk = simulatedFileSystem({ now: () => clock.now() })
    await disk.makeDirectory('/data')
    const store = await open(disk, clock)
    await written(store, accepted('a', 'e1', large('again')))
    await clock.advance(10_000)
    const sweeping = store.bodies?.sweep({
      before: new Map([['a', clock.now()]]),
      needed() {
        // Not on the disk yet, and the reason why nobody needs the body.
        store.append([accepted('b', 'e2', 1)], 'lazy')
        queueMicrotask(() => store.append([accepted('a', 'e3', large('again'))], 'durable'))
        return new Set()
      },
    })
    await clock.advance(100)
    expect(await sweeping).toBe(0)
    expect(store.durableSeq).toBe(3)
    expect(await payloadsOf(store)).toEqual([large('again'), 1, large('again')])
    await store.close()
  })

  test('ends with its store: the next who opens the log finds what was there', async () => {
    const clock = virtualClock()
    const disk = simulatedFileSystem({ now: () => clock.now() })
    await disk.makeDirectory('/data')
    const store = await open(disk, clock)
    await written(store, ...Array.from({ length: 50 }, (_, index) => accepted('a', `${index}`, large(`${index}-`))))
    await clock.advance(10_000)
    const begun = Promise.withResolvers<void>()
    const sweeping = store.bodies?.sweep({
      before: new Map([['a', clock.now()]]),
      needed() {
        store.append([accepted('b', 'e2', 1)], 'lazy')
        begun.resolve()
        return new Set()
      },
    })
    await begun.promise
    await store.close()
    const left = await blobs(disk, 'a')
    await sweeping
    expect(left.length).toBeGreaterThan(0)
    expect(await blobs(disk, 'a')).toEqual(left)
  })

  test('leaves what was named between it and another that began later', async () => {
    const clock = virtualClock()
    const disk = simulatedFileSystem({ now: () => clock.now() })
    await disk.makeDirectory('/data')
    const store = await open(disk, clock)
    await written(store, accepted('a', 'e1', large('again')), accepted('b', 'e2', large('other')))
    await clock.advance(10_000)
    // What the first goes by takes a while to reach the disk.
    store.append([accepted('c', 'e3', 1)], 'lazy')
    const begun = Promise.withResolvers<void>()
    const sweep = (process: string, needed: () => ReadonlySet<string>): Promise<number> | undefined =>
      store.bodies?.sweep({ before: new Map([[process, clock.now()]]), needed })
    const first = sweep('a', () => {
      queueMicrotask(() => {
        store.append([accepted('a', 'e4', large('again'))], 'lazy')
        begun.resolve()
      })
      return new Set()
    })
    await begun.promise
    const second = sweep('b', () => new Set())
    await clock.advance(100)
    expect(await Promise.all([first, second])).toEqual([0, 1])
    expect((await payloadsOf(store)).at(-1)).toEqual(large('again'))
    await store.close()
  })
})
