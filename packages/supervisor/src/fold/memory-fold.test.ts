import { limits } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { memoryEffects } from '../memory/memory-effects.ts'
import { packRow, unpackRow } from './packed-row.ts'
import type { ProcessFold } from './process-fold.ts'
import { touched } from './touched.ts'

const stored = (id: string, text: string, space?: string) => ({
  ...alpha,
  type: 'memory.stored' as const,
  turn: 't-e1',
  data: { id, text, tags: ['t'], key: `memory.store:${id}#0`, ...(space === undefined ? {} : { space }) },
})
const forgotten = (id: string, was_there = true) => ({
  ...alpha,
  type: 'memory.forgotten' as const,
  turn: 't-e1',
  data: { id, was_there, key: `memory.forget:${id}#0` },
})

function open() {
  const ring = worldOf({ memory: {} })
  ring.put(accepted('e1'))
  ring.put(started('e1'))
  return ring
}
const outcome = (fold: ProcessFold, key: string) => fold.turns.get('t-e1')?.effects.get(key)?.outcome

test('one record is the entry and the outcome; the newest stands last, and what it takes is counted', () => {
  const { put, fold } = open()
  put(stored('m-a', 'four'))
  put(stored('m-b', 'longer'))
  put(stored('m-a', 'äö'))
  expect([...fold().memory.values()].map(({ id, text, by }) => [id, text, by])).toEqual([
    ['m-b', 'longer', 'alpha'],
    ['m-a', 'äö', 'alpha'],
  ])
  expect(fold().memoryBytes).toBe(6 + 4 + 2)
  expect(outcome(fold(), 'memory.store:m-b#0')).toEqual({ ok: true, value: { id: 'm-b' } })
  put(forgotten('m-b'))
  expect(outcome(fold(), 'memory.forget:m-b#0')).toEqual({ ok: true, value: true })
  expect([fold().memory.size, fold().memoryBytes]).toEqual([1, 5])
})

test('a shared one is a row of its own, which the record names', () => {
  const { put, fold, world } = open()
  const record = put(stored('m-a', 'four', 'team'))
  expect(touched(world, record)).toEqual(new Set(['alpha', '@memory/team']))
  expect([fold().memory.size, fold('@memory/team').memory.size]).toEqual([0, 1])
  put({ ...alpha, type: 'process.removed', data: { by: 'operator' } })
  expect([...world.keys()]).toEqual(['@memory/team'])
})

test('a stop, a new manifest without memory and a rewind leave it as it is', () => {
  const { put, fold } = open()
  put(stored('m-a', 'four'))
  const before = [...fold().memory]
  put({ ...alpha, type: 'process.desired', data: { state: 'stopped', by: 'operator' } })
  const { memory: _, ...manifest } = fold().manifest
  put({ ...alpha, type: 'process.deployed', data: { revision: 2, manifest, bundle: 'b2', by: 'program' } })
  put({ ...alpha, type: 'state.rewound', data: { to: 1, set: {}, delete: [], by: 'operator' } })
  expect(fold().manifest.memory).toBeUndefined()
  expect([...fold().memory]).toEqual(before)
})

test('a row gives back what it held, however many there are; one that was packed before had none', () => {
  const { put, fold } = open()
  for (let n = 0; n < 600; n += 1) put(stored(`m-${n}`, `text ${n}`))
  const { process } = unpackRow(Buffer.concat([...packRow(fold(), 1)]))
  expect(process).toEqual(fold())
  expect([...process.memory.keys()]).toEqual([...fold().memory.keys()])
})

test('a vector is kept with its entry, in its place, and goes with its text', () => {
  const { put, fold } = open()
  put(stored('m-a', 'four'))
  put(stored('m-b', 'five'))
  const data = {
    model: 'sim:embed',
    vectors: [['m-a', 'AAAA'] as [string, string], ['m-gone', 'AAAA'] as [string, string]],
  }
  put({ ...alpha, type: 'memory.embedded', turn: 't-e1', data })
  expect([...fold().memory.values()].map(({ id, vector }) => [id, vector])).toEqual([
    ['m-a', { model: 'sim:embed', data: 'AAAA' }],
    ['m-b', undefined],
  ])
  expect(fold().memoryBytes).toBe(2 * 5 + 4)
  expect(unpackRow(Buffer.concat([...packRow(fold(), 1)])).process).toEqual(fold())
  put(stored('m-a', 'anew'))
  expect([fold().memory.get('m-a')?.vector, fold().memoryBytes]).toEqual([undefined, 10])
})

test('a text that nobody has any more leaves no entry, and no older one in its place', () => {
  const { put, fold } = open()
  put(stored('m-a', 'before'))
  const gone = { $blob: 'a'.repeat(64), bytes: 5_000, gone: true }
  put(stored('m-a', gone as unknown as string))
  expect([fold().memory.size, fold().memoryBytes]).toEqual([0, 0])
})

test('a memory takes so many entries and so much text, and what takes the place of another as well', () => {
  const { put, fold, world } = open()
  const { inside } = memoryEffects({ world } as never)
  const turn = fold().turns.get('t-e1') as never
  const store = (text: string, key?: string) =>
    inside['memory.store'].record({ process: fold(), turn, key: 'k' }, { text, ...(key === undefined ? {} : { key }) })
  put(store('old', 'address') as never)
  fold().memoryBytes = limits.memoryBytes
  expect(() => store('new')).toThrow(expect.objectContaining({ code: 'MEMORY_FULL' }))
  expect(() => store('newer', 'address')).toThrow(expect.objectContaining({ code: 'MEMORY_FULL' }))
  expect(store('new', 'address').type).toBe('memory.stored')
  fold().memoryBytes = 3
  Object.defineProperty(fold().memory, 'size', { value: limits.memoryEntries })
  expect(() => store('new')).toThrow(expect.objectContaining({ code: 'MEMORY_FULL' }))
  expect(store('new', 'address').type).toBe('memory.stored')
})
