import type { Clock } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { groupCommit } from './group-commit.ts'

const noTimers: Clock = { now: () => 0, monotonic: () => 0, setTimer: () => ({ cancel: () => undefined }) }

/** A disk that takes one write at a time, and is done with it when it is told to be. */
function slowDisk() {
  const writes: string[][] = []
  const done: PromiseWithResolvers<void>[] = []
  const commit = groupCommit<string>({
    clock: noTimers,
    durableSeq: 0,
    write(lines) {
      writes.push([...lines])
      const written = Promise.withResolvers<void>()
      done.push(written)
      return written.promise
    },
  })
  let seq = 0
  const append = (...lines: string[]): Promise<void> => {
    seq += lines.length
    commit.add(lines, seq, true)
    return commit.durable(seq)
  }
  return {
    commit,
    writes,
    append,
    finish: (nth: number) => done[nth]?.resolve(),
    fail: (nth: number) => done[nth]?.reject(new Error('EIO')),
  }
}

const lines = (name: string, count: number): string[] => Array.from({ length: count }, (_, nth) => `${name}${nth}`)
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what those append whom a flush woke goes out with the next one, together', async () => {
  const { writes, append, finish } = slowDisk()
  const writers = lines('w', 64).map(async (line) => {
    await append(line)
    await append(`${line} again`)
  })
  await settled()
  finish(0)
  await settled()
  finish(1)
  await Promise.all(writers)
  expect(writes.map(({ length }) => length)).toEqual([64, 64])
})

test('a whole group that waits is on its way before those of the group before it go on', async () => {
  const { writes, append, finish } = slowDisk()
  const writesWhenWoken = append('first').then(() => writes.length)
  await settled()
  const others = [...lines('w', 256).map((line) => append(line)), append('last')]
  finish(0)
  expect(await writesWhenWoken).toBe(2)
  finish(1)
  await settled()
  finish(2)
  await Promise.all(others)
  expect(writes.map(({ length }) => length)).toEqual([1, 256, 1])
})

test('a batch is never split: what does not fit goes with the next group, and a large one alone', async () => {
  const { writes, append, finish } = slowDisk()
  const all = [append(...lines('a', 200)), append(...lines('b', 100)), append(...lines('c', 1_000)), append('d')]
  for (const nth of all.keys()) {
    await settled()
    finish(nth)
  }
  await Promise.all(all)
  expect(writes.map(({ length }) => length)).toEqual([200, 100, 1_000, 1])
})

test('a write that fails is told to all who wait, and nothing more is taken', async () => {
  const { append, fail, commit } = slowDisk()
  const written = append('written')
  await settled()
  const waiting = append('waiting')
  fail(0)
  await expect(written).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
  await expect(waiting).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
  expect(() => commit.assertOpen()).toThrow('EIO')
})
