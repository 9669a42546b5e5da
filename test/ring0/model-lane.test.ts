import { VigilError } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { type Lane, type LaneOptions, lane } from '../../packages/supervisor/src/models/lane.ts'

const late = (reason: string): VigilError => new VigilError('MODEL_TIMEOUT', reason)

function opened(options: Omit<LaneOptions, 'clock'>) {
  const clock = virtualClock()
  const way = lane({ clock, ...options })
  const inside: string[] = []
  const leaves = new Map<string, () => void>()
  const enter = (name: string, rest: Partial<Parameters<Lane['enter']>[0]> = {}): Promise<string> =>
    way.enter({ signal: new AbortController().signal, withinMs: 60_000, late, ...rest }).then(
      (leave) => {
        inside.push(name)
        leaves.set(name, leave)
        return 'in'
      },
      (error: Error) => error.message,
    )
  return { clock, way, inside, enter, leave: (name: string) => leaves.get(name)?.() }
}
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('so many are inside at a time; the others follow in their order, and a place is given back once', async () => {
  const { inside, enter, leave } = opened({ concurrency: 2 })
  for (const name of ['a', 'b', 'c', 'd']) void enter(name)
  await settle()
  expect(inside).toEqual(['a', 'b'])
  leave('a')
  leave('a')
  await settle()
  expect(inside).toEqual(['a', 'b', 'c'])
})

test('so many are sent in any span of time, those that are sent again with them', async () => {
  const { clock, way, inside, enter } = opened({ concurrency: 10, rate: { count: 2, perMs: 1_000 } })
  for (const name of ['a', 'b', 'c', 'd']) void enter(name)
  await settle()
  expect(inside).toEqual(['a', 'b'])
  await clock.advance(500)
  way.again()
  await clock.advance(600)
  expect(inside).toEqual(['a', 'b', 'c'])
  await clock.advance(500)
  expect(inside).toEqual(['a', 'b', 'c', 'd'])
})

test('while it is held nobody goes in, and the longest hold counts', async () => {
  const { clock, way, inside, enter } = opened({ concurrency: 10 })
  way.hold(1_000)
  way.hold(10)
  void enter('a')
  await clock.advance(999)
  expect([inside, way.heldMs]).toEqual([[], 1])
  await clock.advance(1)
  expect(inside).toEqual(['a'])
})

test('who waits too long or gives up is let go, and those behind go on', async () => {
  const { clock, inside, enter, leave } = opened({ concurrency: 1 })
  const caller = new AbortController()
  void enter('a')
  const second = enter('b', { withinMs: 100 })
  const third = enter('c', { signal: caller.signal })
  void enter('d')
  await clock.advance(100)
  expect(await second).toBe('no place for it within 100 ms')
  caller.abort(new Error('enough'))
  expect(await third).toBe('enough')
  leave('a')
  await settle()
  expect(inside).toEqual(['a', 'd'])
})
