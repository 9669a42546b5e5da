import { basename } from 'node:path'
import { crc32 } from 'node:zlib'
import { openFileStore } from '@vigil/journal'
import type { JournalDamage, JournalStore, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { all, draft, segments } from './journal-store-subjects.ts'

const clock = virtualClock()
const open = (disk: SimulatedFileSystem): Promise<JournalStore> =>
  openFileStore({ fileSystem: disk, clock, directory: '/data', segmentBytes: 600 })

async function written(count: number, checkpointAt?: number): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/data')
  const store = await open(disk)
  for (let seq = 1; seq <= count; seq += 1) {
    store.append([draft('a', seq)], 'durable')
    await store.durable(seq)
  }
  if (checkpointAt !== undefined) await store.saveCheckpoint({ seq: checkpointAt, at: 1, rows: new Map() })
  await store.close()
  return disk
}

const damage = expect.objectContaining({ code: 'JOURNAL_DAMAGED' })

describe('segments that a checkpoint covers are not read at the start, but', () => {
  const losses: [string, (disk: SimulatedFileSystem, path: string) => Promise<void>][] = [
    ['is gone', (disk, path) => disk.remove(path)],
    ['lost its last bytes', async (disk, path) => cut(disk, path, (await disk.readFile(path)).length - 3)],
    [
      'lost its last line',
      async (disk, path) => cut(disk, path, Buffer.from(await disk.readFile(path)).lastIndexOf(10, -2) + 1),
    ],
    [
      'lost everything but its header',
      async (disk, path) => cut(disk, path, (await disk.readFile(path)).indexOf(10) + 1),
    ],
    ['is empty', (disk, path) => cut(disk, path, 0)],
  ]
  const cut = async (disk: SimulatedFileSystem, path: string, length: number): Promise<void> => {
    const handle = await disk.open(path, 'write')
    await handle.truncate(length)
    await handle.close()
  }

  test.each(losses)('a replay through one that %s is refused, a page says where it is shorter', async (_what, lose) => {
    for (const index of [0, 1, 2]) {
      const disk = await written(30, 29)
      const paths = await segments(disk)
      const [before, path] = [index - 1, index].map((each) => paths[each]) as [string, string]
      await lose(disk, path)
      const store = await open(disk)
      expect(await all(store, 29), 'what the checkpoint does not cover').toHaveLength(1)
      await expect(all(store, 0), `segment ${index}`).rejects.toEqual(damage)
      const told: JournalDamage[] = []
      store.onDamage((damage) => told.push(damage))
      const gone = (await disk.stat(path)) === undefined
      // Without its first segment a log looks like one whose beginning is no longer kept.
      const named = !gone ? [basename(path)] : index === 0 ? [] : [basename(before)]
      for (const _ of ['found', 'found again']) {
        const page = await store.page({ process: 'a', limit: 100 })
        expect(page.damaged, `segment ${index}`).toEqual(named)
        expect(page.records.length).toBeLessThan(30)
        expect(page.records[0]?.n).toBe(30)
      }
      expect(await store.tail(0, 100)).toMatchObject({ damaged: named })
      expect(
        told.map(({ segment }) => segment),
        'told once',
      ).toEqual(named)
      expect(await store.page({ process: 'a', limit: 2 })).toMatchObject({
        records: [{ n: 30 }, { n: 29 }],
        damaged: [],
      })
      await store.close()
    }
  })
})

test('the only record is not lost with the header before it', async () => {
  const whole = await (await written(1)).readFile('/data/journal/0000000000000001.jsonl')
  for (let at = 0; at < whole.indexOf(10) + 1; at += 1) {
    for (const mask of [0x01, 0x20, 0x80]) {
      const disk = await written(1)
      const [path] = await segments(disk)
      const handle = await disk.open(path as string, 'write')
      handle.write(Uint8Array.of((whole[at] as number) ^ mask), at)
      await handle.close()
      await expect(open(disk), `a flip at ${at}`).rejects.toEqual(damage)
    }
  }
})

test('a log of another format is left as it is', async () => {
  const disk = await written(0)
  const [path] = await segments(disk)
  const body = '{"vigil":"journal","format":2,"first":1,"chain":"00000000"'
  const bytes = Buffer.from(`${body},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}\n`)
  const handle = await disk.open(path as string, 'write')
  await handle.truncate(0)
  handle.write(bytes, 0)
  await handle.close()
  await expect(open(disk)).rejects.toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('format 2'),
  })
  expect(Buffer.compare(await disk.readFile(path as string), bytes)).toBe(0)
})

test('waiting for more than was appended waits for what was appended', { timeout: 2_000 }, async () => {
  const store = await open(await written(3))
  await store.durable(99)
  store.append([draft('a')], 'lazy')
  await store.durable(99)
  expect(store.durableSeq).toBe(4)
  await store.close()
})

test('data that says nothing takes no place', async () => {
  const store = await open(await written(1))
  for (const data of [undefined, () => 1, { toJSON: () => undefined }])
    expect(() => store.append([{ ...draft('a'), data } as unknown as RecordDraft], 'lazy')).toThrow(TypeError)
  expect(store.lastSeq).toBe(1)
  await store.close()
})
