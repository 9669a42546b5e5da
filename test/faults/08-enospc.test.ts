import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { JournalRecord, SpaceState } from '@vigil/protocol'
import { seededRandom, virtualClock } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { atNth, brokenPromises, type Life, live, open, prepared } from '../contract/journal-disk-faults-subjects.ts'
import { all, draft, segments } from '../contract/journal-store-subjects.ts'
import { until } from '../support/until.ts'

const torture = process.env['VIGIL_TORTURE'] !== undefined
const seeds = torture ? 3_000 : 50
const wholeLife = 12

describe('fault test 8: the disk fills in the middle of a record, then has room again', () => {
  test.each(['room', 'kill', 'crash'] as const)('whichever write finds it full, then %s', async (end) => {
    let waited = 0
    for (const room of [0, 10, 300]) {
      for (let nth = 1; ; nth += 1) {
        const { disk, fired, arm, disarm } = await atNth('write', (each) => each.full(room))
        const clock = virtualClock()
        const life: Life = { batches: [], acknowledged: 0 }
        arm(nth)
        const living = live(disk, { clock, life, ballastBytes: 400 })
        await clock.advance(60_000)
        if (!fired()) break
        disarm()
        // At start it is refused at once; later nobody is.
        const refused = life.refusal !== undefined
        if (refused) expect(life.refusal, `write ${nth}`).toMatchObject({ code: 'DISK_FULL' })
        else waited += 1
        if (end !== 'room') disk[end]()
        disk.roomAgain()
        await clock.advance(60_000)
        if (end === 'room') {
          await living
          if (!refused) expect(life.batches, `write ${nth}`).toHaveLength(wholeLife)
          expect(disk.openHandles(), 'files left open').toBe(0)
        }
        expect(await brokenPromises(disk, life), `full from write ${nth} but for ${room}`).toEqual([])
      }
    }
    expect(waited).toBeGreaterThan(10)
  })

  test(`${seeds} seeded lives of full disks: nothing is lost, reordered or refused, and all of it is durable in the end`, {
    timeout: 300_000,
  }, async () => {
    const seen = new Set<SpaceState>()
    for (let seed = 1; seed <= seeds; seed += 1) {
      const random = seededRandom(seed)
      const below = (most: number): number => Math.floor(random.next() * most)
      const clock = virtualClock()
      const disk = await prepared({ shorten: (bytes) => Math.ceil(random.next() * 2 * bytes) })
      disk.slowSyncs(() => new Promise((resolve) => void clock.setTimer(below(20), resolve)))
      const opening = open(disk, clock, 1_500)
      await clock.advance(1_000)
      const store = await opening
      store.space.onChange((state) => seen.add(state))
      const appended: JournalRecord[] = []
      const durable: Promise<void>[] = []
      for (let step = 0; step < 60; step += 1) {
        if (random.next() < 0.15) disk.full(below(600))
        if (random.next() < 0.1) disk.roomAgain()
        const drafts = Array.from({ length: 1 + below(3) }, () =>
          draft('ab'[below(2)] as string, 'x'.repeat(below(120))),
        )
        appended.push(...store.append(drafts, random.next() < 0.5 ? 'durable' : 'lazy'))
        durable.push(store.durable(store.lastSeq))
        await clock.advance(below(4_000))
      }
      disk.roomAgain()
      await clock.advance(30_000)
      await Promise.all(durable)
      expect(store.space.state, `seed ${seed}`).toBe('open')
      expect(isDeepStrictEqual(await all(store), appended), `seed ${seed}: what is read back`).toBe(true)
      const closing = store.close()
      await clock.advance(1_000)
      await closing
      disk.crash()
      disk.heal()
      expect(await all(await open(disk)), `seed ${seed}: what survives`).toHaveLength(appended.length)
    }
    expect([...seen].sort()).toEqual(['exhausted', 'open', 'reserve'])
  })

  test('what somebody was told of goes into the room of the ballast, and the log has no half of a line', async () => {
    const clock = virtualClock()
    const disk = await prepared()
    const store = await open(disk, clock, 4_096)
    const states: SpaceState[] = []
    store.space.onChange((state) => states.push(state))
    disk.full(40)
    const records = store.append([draft('a', 'x'.repeat(900))], 'durable')
    await store.durable(store.lastSeq)
    expect(states).toEqual(['reserve'])
    expect(await disk.stat('/data/ballast')).toBeUndefined()
    disk.crash()
    expect(await all(await open(disk))).toEqual(records)
  })

  test('a disk that takes nothing at all is cut back to its last good offset, and everything waits in order', async () => {
    const clock = virtualClock()
    const disk = await prepared()
    const store = await open(disk, clock)
    const [first] = store.append([draft('a', 1)], 'durable')
    await store.durable(store.lastSeq)
    await disk.open((await segments(disk))[0] as string, 'write').then((handle) => handle.truncate(2_000))
    const [path] = (await segments(disk)) as [string]
    const good = Buffer.from(await disk.readFile(path)).lastIndexOf('}\n') + 2
    disk.full()
    const [second] = store.append([draft('a', 'x'.repeat(5_000))], 'durable')
    const [third] = store.append([draft('b', 3)], 'lazy')
    let told = false
    const durable = store.durable(store.lastSeq).then(() => {
      told = true
    })
    await clock.advance(120_000)
    expect([store.space.state, told]).toEqual(['exhausted', false])
    expect((await disk.readFile(path)).byteLength, 'truncated behind the last good line').toBe(good)
    expect(await all(store), 'readers see what is durable').toEqual([first])
    disk.roomAgain()
    await clock.advance(10_000)
    await durable
    expect(await all(store)).toEqual([first, second, third])
    await store.close()
  })

  test.each([
    ['write', 'ENOSPC'],
    ['write', 'EDQUOT'],
    ['sync', 'ENOSPC'],
    ['open', 'ENOSPC'],
  ] as const)('%s %s at any moment, once, is waited for', async (operation, code) => {
    for (let nth = 1; nth <= 6; nth += 1) {
      const clock = virtualClock()
      const disk = await prepared({ mostBytesPerWrite: 120 })
      const store = await open(disk, clock)
      disk.failNext({ operation, code, nth, suffix: '.jsonl' })
      const appended: JournalRecord[] = []
      for (let round = 0; round < 30; round += 1) {
        appended.push(...store.append([draft('a', round), draft('b', 'x'.repeat(100))], 'durable'))
        await clock.advance(1_000)
      }
      await clock.advance(20_000)
      expect(store.space.state).toBe('open')
      await store.durable(store.lastSeq)
      await store.close()
      disk.crash()
      expect(await all(await open(disk)), `${operation} ${nth}`).toEqual(appended)
    }
  })

  test('on a real disk of two megabytes, too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vigil-full-'))
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory]).status === 0
    try {
      // Who may not mount tries it on the disk that there is, which does not fill.
      const clock = virtualClock()
      const options = { fileSystem: nodeFileSystem(), clock, directory, segmentBytes: 100_000, ballastBytes: 262_144 }
      const store = await openFileStore(options)
      const settled = async (done: () => boolean): Promise<void> => {
        await until('the store to settle', async () => {
          await clock.advance(1_000)
          return done()
        })
      }
      await writeFile(join(directory, 'filler'), Buffer.alloc(mounted ? 1_400_000 : 1_000))
      const appended: JournalRecord[] = []
      const states = new Set<SpaceState>()
      store.space.onChange((state) => states.add(state))
      for (let count = 0; count < 400; count += 1) {
        appended.push(...store.append([draft('a', 'x'.repeat(2_000))], 'durable'))
        if (count % 20 === 0) await clock.advance(10)
      }
      await settled(() => !mounted || store.space.state === 'exhausted')
      await rm(join(directory, 'filler'))
      await settled(() => store.space.state === 'open' && store.durableSeq === appended.length)
      expect(await all(store)).toEqual(appended)
      if (mounted) expect([...states].sort()).toEqual(['exhausted', 'open', 'reserve'])
      await store.close()
      const again = await openFileStore(options)
      expect(await all(again)).toEqual(appended)
      await again.close()
    } finally {
      if (mounted) spawnSync('umount', [directory])
      await rm(directory, { recursive: true, force: true })
    }
  })

  test('more than can be held in memory stops the store: nothing is dropped in silence', async () => {
    const clock = virtualClock()
    const disk = await prepared()
    const store = await open(disk, clock)
    disk.full()
    const large = draft('a', 'x'.repeat(4_000_000))
    store.append([large], 'durable')
    await clock.advance(1_000)
    expect(store.space.state).toBe('exhausted')
    for (let count = 0; count < 14; count += 1) store.append([large], 'durable')
    store.append([large], 'durable')
    expect(await store.failed).toMatchObject({ code: 'DISK_FULL' })
    expect(() => store.append([large], 'durable')).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    await store.close()
  })

  test.each([true, false])('who closes on a full disk does not wait for room (ballast: %s)', async (hasBallast) => {
    const clock = virtualClock()
    const disk = await prepared()
    const store = await open(disk, clock, hasBallast ? 4_096 : 0)
    disk.full()
    const [record] = store.append([draft('a', 'x'.repeat(1_000))], 'durable')
    const durable = store.durable(store.lastSeq).catch((error: unknown) => error)
    await clock.advance(0)
    await store.close()
    if (hasBallast) expect(await durable).toBeUndefined()
    else expect(await durable).toMatchObject({ code: 'DISK_FULL' })
    disk.roomAgain()
    expect(await all(await open(disk))).toEqual(hasBallast ? [record] : [])
    expect(disk.openHandles()).toBe(1)
  })

  test('a start on a full disk is refused, and the next one begins when there is room', async () => {
    const disk = await prepared()
    disk.full()
    await expect(open(disk, virtualClock(), 4_096)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(disk.openHandles()).toBe(0)
    expect(await disk.readDirectory('/data')).not.toContain('ballast.tmp')
    disk.roomAgain()
    const store = await open(disk, virtualClock(), 4_096)
    expect(store.space.state).toBe('open')
    await store.close()
  })
})
