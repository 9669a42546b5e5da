import type { JournalStore } from '@vigil/protocol'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  all,
  type DurableSubject,
  draft,
  memory,
  postgres,
  realFiles,
  type Subject,
  simulatedFiles,
  stopServers,
} from './journal-store-subjects.ts'

afterAll(stopServers)

describe.each([
  ['memory', memory],
  ['simulated files', simulatedFiles],
  ['real files', realFiles],
  ['PostgreSQL', postgres],
])('journal in %s', (_name, make) => {
  let subject: Subject
  let store: JournalStore
  beforeEach(async () => {
    subject = await make()
    store = subject.store
  })
  afterEach(() => subject.close())

  test('gives places at once and replays in their order', async () => {
    const first = store.append([draft('a', 'é "\n'), draft('b', 2, { turn: 't1' })], 'durable')
    const second = store.append([draft('a', { deep: [null] })], 'lazy')
    const given = [...first, ...second]
    expect(given.map(({ seq, n, process }) => [seq, n, process])).toEqual([
      [1, 1, 'a'],
      [2, 1, 'b'],
      [3, 2, 'a'],
    ])
    expect(given[0]?.at).toBe(new Date(subject.clock.now()).toISOString())
    expect(store.lastSeq).toBe(3)
    await store.durable(3)
    expect(await all(store)).toEqual(given)
    expect(await all(store, 2)).toEqual(given.slice(2))
    expect(await all(store, 3)).toEqual([])
  })

  test('what is durable is a prefix, told to waiters and listeners', async () => {
    const told: number[] = []
    const stop = store.onFlush((seq) => told.push(seq))
    store.append([draft('a'), draft('a')], 'durable')
    expect(store.durableSeq).toBe(0)
    await Promise.all([store.durable(1), store.durable(2), store.durable(0)])
    expect(store.durableSeq).toBe(2)
    stop()
    store.append([draft('a')], 'durable')
    await store.durable(3)
    expect(told).toEqual([2])
    await expect(store.durable(3)).resolves.toBeUndefined()
  })

  test('replay and page show only what is durable', async () => {
    store.append([draft('a')], 'lazy')
    expect(await all(store)).toEqual([])
    expect(await store.page({ process: 'a', limit: 10 })).toEqual({ records: [], damaged: [] })
    expect(await store.tail(0, 10)).toEqual({ records: [], damaged: [] })
  })

  test('a lazy record is durable 5 ms later, and sooner if somebody waits', async () => {
    const flushed = Promise.withResolvers<number>()
    store.onFlush(flushed.resolve)
    store.append([draft('a')], 'lazy')
    await subject.clock.advance(4)
    expect(store.durableSeq).toBe(0)
    await subject.clock.advance(1)
    expect(await flushed.promise).toBe(1)
    store.append([draft('a')], 'lazy')
    await store.durable(2)
    expect(store.durableSeq).toBe(2)
    expect(subject.clock.pending()).toBe(0)
  })

  test('refuses the whole batch of a life that is over', async () => {
    store.append([draft('a', 1, { epoch: 3 })], 'durable')
    expect(() => store.append([draft('b'), draft('a', 1, { epoch: 2 })], 'durable')).toThrow(
      expect.objectContaining({ code: 'FENCED' }),
    )
    expect(() => store.append([draft('b', 1, { epoch: 2 }), draft('b', 1, { epoch: 1 })], 'durable')).toThrow(
      expect.objectContaining({ code: 'FENCED' }),
    )
    expect(store.append([draft('a', 1, { epoch: 3 }), draft('b')], 'durable').map(({ seq, n }) => [seq, n])).toEqual([
      [2, 2],
      [3, 1],
    ])
  })

  test('data that is no JSON takes no place', async () => {
    expect(() => store.append([draft('a'), draft('a', 1n)], 'durable')).toThrow(TypeError)
    expect(store.lastSeq).toBe(0)
    expect(store.append([draft('a')], 'durable')[0]).toMatchObject({ seq: 1, n: 1 })
    await store.durable(1)
    expect(await all(store)).toHaveLength(1)
  })

  test('gives back data as it was, and in pieces what is large', async () => {
    const values = [
      { zebra: 1, ant: { 9: 'numbers first', b: 0.1, a: 1e300 } },
      'U+0000 \u0000, half a pair \ud83d, {a,"b"}\\, NULL',
      ...Array.from({ length: 4 }, (_, index) => `${index}`.repeat(600_000)),
    ]
    const sent = store.append(
      values.map((value) => draft('a', value)),
      'durable',
    )
    await store.durable(store.lastSeq)
    expect((await all(store)).map(({ data }) => JSON.stringify(data))).toEqual(
      sent.map(({ data }) => JSON.stringify(data)),
    )
    expect((await store.tail(1, 4)).records.map(({ seq }) => seq)).toEqual([2, 3, 4, 5])
    const rows = new Map(['z', 'y', 'x'].map((name, index) => [name, new Uint8Array(700_000).fill(index)]))
    await store.saveCheckpoint({ seq: 6, at: 1, rows })
    const found = await store.loadCheckpoint()
    expect([...(found?.rows.keys() ?? [])]).toEqual(['z', 'y', 'x'])
    expect(found?.rows.get('x')).toEqual(new Uint8Array(700_000).fill(2))
  })

  test('keeps what was recorded when the caller changes it later', async () => {
    const value = { list: [1] }
    store.append([draft('a', value)], 'durable')
    await store.durable(1)
    value.list.push(2)
    expect((await all(store))[0]?.data).toMatchObject({ set: { value: { list: [1] } } })
  })

  test('thousands of records of one tick arrive in order', async () => {
    const sent = Array.from({ length: 3_000 }, (_, index) => store.append([draft(`p${index % 7}`, index)], 'lazy')[0])
    await store.durable(1_700)
    expect(store.durableSeq).toBeGreaterThanOrEqual(1_700)
    await store.durable(3_000)
    expect(await all(store)).toEqual(sent)
  })

  test('pages one process, newest first, through every filter', async () => {
    for (let index = 0; index < 60; index += 1) {
      store.append([draft('a', index, { turn: `t${index % 3}` }), draft('b', index)], 'lazy')
    }
    await store.durable(store.lastSeq)
    const page = async (query: object): Promise<number[]> =>
      (await store.page({ process: 'a', limit: 4, ...query })).records.map(({ n }) => n)
    expect(await page({})).toEqual([60, 59, 58, 57])
    expect(await page({ before: 57 })).toEqual([56, 55, 54, 53])
    expect(await page({ before: 3 })).toEqual([2, 1])
    expect(await page({ after: 57 })).toEqual([60, 59, 58])
    expect(await page({ turn: 't0' })).toEqual([58, 55, 52, 49])
    expect(await page({ before: 30, after: 26, turn: 't2' })).toEqual([27])
    expect(await page({ type: 'state.patched', before: 2 })).toEqual([1])
    expect(await page({ type: 'turn.completed' })).toEqual([])
    expect(await page({ process: 'none' })).toEqual([])
    expect(await page({ limit: 1_000 })).toHaveLength(60)
    expect(await page({ order: 'oldest_first' })).toEqual([1, 2, 3, 4])
    expect(await page({ order: 'oldest_first', after: 57 })).toEqual([58, 59, 60])
    expect(await page({ order: 'oldest_first', after: 20, before: 30, turn: 't1' })).toEqual([23, 26, 29])
  })

  test('is followed from a cursor, over any number of pages', async () => {
    const seen: number[] = []
    const follow = async (): Promise<void> => {
      for (;;) {
        const { records } = await store.tail(seen.at(-1) ?? 0, 7)
        if (records.length === 0) return
        seen.push(...records.map(({ seq }) => seq))
      }
    }
    for (let round = 1; round <= 3; round += 1) {
      for (let index = 0; index < 25; index += 1) store.append([draft(`p${index % 3}`, index)], 'lazy')
      await follow()
      expect(seen, 'only what is durable').toHaveLength((round - 1) * 25)
      await store.durable(store.lastSeq)
      await follow()
      expect(seen).toEqual(Array.from({ length: round * 25 }, (_, index) => index + 1))
    }
    expect((await store.tail(73, 7)).records.map(({ seq, process }) => [seq, process])).toEqual([
      [74, 'p2'],
      [75, 'p0'],
    ])
  })

  test('hands back the newest round', async () => {
    expect(await store.loadCheckpoint()).toBeUndefined()
    for (let round = 1; round <= 4; round += 1) {
      store.append([draft('a')], 'durable')
      await store.durable(round)
      const rows = new Map([
        ['a', Uint8Array.of(round, 10, 255)],
        ['b', new Uint8Array(0)],
      ])
      await store.saveCheckpoint({ seq: round, at: 1_000 + round, rows })
    }
    const found = await store.loadCheckpoint()
    expect(found).toMatchObject({ seq: 4, at: 1_004 })
    expect([...(found?.rows ?? [])]).toEqual([
      ['a', Uint8Array.of(4, 10, 255)],
      ['b', new Uint8Array(0)],
    ])
  })

  test('hands back the round before one that is of no use', async () => {
    for (const seq of [1, 2]) {
      store.append([draft('a')], 'durable')
      await store.saveCheckpoint({ seq, at: seq, rows: new Map([['a', Uint8Array.of(seq)]]) })
    }
    expect(await store.loadCheckpoint(3)).toMatchObject({ seq: 2 })
    expect(await store.loadCheckpoint(2)).toMatchObject({ seq: 1, rows: new Map([['a', Uint8Array.of(1)]]) })
    expect(await store.loadCheckpoint(1)).toBeUndefined()
  })

  test('close flushes what waits and takes nothing more', async () => {
    store.append([draft('a')], 'lazy')
    const waiting = store.durable(1)
    const closing = store.close()
    expect(() => store.append([draft('a')], 'durable')).toThrow(expect.objectContaining({ code: 'JOURNAL_CLOSED' }))
    await closing
    await waiting
    expect(store.durableSeq).toBe(1)
    expect(() => store.append([draft('a')], 'durable')).toThrow(expect.objectContaining({ code: 'JOURNAL_CLOSED' }))
    expect(subject.clock.pending()).toBe(0)
  })
})

describe.each([
  ['simulated files', simulatedFiles],
  ['real files', realFiles],
  ['PostgreSQL', postgres],
])('journal in %s, closed and opened again', (_name, make) => {
  let subject: DurableSubject
  let store: JournalStore
  beforeEach(async () => {
    subject = await make()
    store = subject.store
  })
  afterEach(() => subject.close())

  test('goes on after a restart where it stopped', async () => {
    const sent = Array.from(
      { length: 40 },
      (_, index) => store.append([draft(`p${index % 3}`, index, { epoch: index })], 'lazy')[0],
    )
    const again = await subject.reopen()
    expect([again.lastSeq, again.durableSeq, again.report]).toEqual([40, 40, {}])
    expect(await all(again)).toEqual(sent)
    expect(() => again.append([draft('p1', 1, { epoch: 36 })], 'durable')).toThrow(
      expect.objectContaining({ code: 'FENCED' }),
    )
    expect(again.append([draft('p1', 1, { epoch: 37 })], 'durable')[0]).toMatchObject({ seq: 41, n: 14 })
  })

  test.for([10, 25, 40])('places survive a round of record %i and a restart', async (seq) => {
    for (let index = 0; index < 40; index += 1)
      store.append([draft(index < 20 ? 'old' : 'new', index, { epoch: index })], 'lazy')
    await store.saveCheckpoint({ seq, at: 5, rows: new Map([['old', Uint8Array.of(1)]]) })
    const again = await subject.reopen()
    expect(await again.loadCheckpoint()).toMatchObject({ seq, at: 5 })
    expect(await all(again, seq)).toHaveLength(40 - seq)
    expect(() => again.append([draft('old', 1, { epoch: 18 })], 'lazy')).toThrow(
      expect.objectContaining({ code: 'FENCED' }),
    )
    const given = again.append([draft('old', 1, { epoch: 99 }), draft('new', 1, { epoch: 99 })], 'durable')
    expect(given.map(({ seq, n }) => [seq, n])).toEqual([
      [41, 21],
      [42, 21],
    ])
  })
})
