import { limits, type WriteSet } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../fixtures/process.ts'
import { staleUpdates, stateDiff, writeRefusal } from './state-commit.ts'

function state(initialState: Record<string, unknown>) {
  const { put, fold } = worldOf({ context: { initialState } })
  put(accepted('e1'))
  put(started('e1'))
  const patch = (set: Record<string, unknown>) =>
    put({ ...alpha, type: 'state.patched', data: { set, by: 'operator' } })
  const turn = fold().turns.get('t-e1')
  if (turn === undefined) throw new Error('no turn')
  return { fold: fold(), turn, patch }
}

test('an update is stale when its key was committed since the snapshot, and fresh once it was computed from that', () => {
  const { fold, turn, patch } = state({ a: [1], b: 1 })
  const writes: WriteSet = { set: { a: [2], b: 2, c: 3 }, updated: ['a', 'c'] }
  const seen = new Map<string, unknown>()
  const stale = () => Object.fromEntries(staleUpdates(fold.state, turn, { writes, seen }))
  expect(stale()).toEqual({})
  patch({ a: [9], b: 9 })
  expect(stale()).toEqual({ a: [9] })
  seen.set('a', fold.state.get('a'))
  expect(stale()).toEqual({})
  patch({ a: [9], c: 4 })
  expect(stale()).toEqual({ a: [9], c: 4 })
})

test('values cross with what is not there by name', () => {
  expect(
    stateDiff([
      ['a', 1],
      ['b', undefined],
      ['c', null],
    ]),
  ).toEqual({ set: { a: 1, c: null }, delete: ['b'] })
})

test.each<[string, WriteSet, string[], string | undefined]>([
  ['every key', { set: { a: 1 }, add: { b: 1 } }, [], undefined],
  ['those that are named', { set: { a: 1 }, add: { b: 1 } }, ['a', 'b'], undefined],
  ['no other to set', { set: { a: 1, c: 1 } }, ['a'], 'STATE_DENIED'],
  ['no other to add to', { add: { c: 1 } }, ['a'], 'STATE_DENIED'],
  ['no other to delete', { delete: ['c'] }, ['a'], 'STATE_DENIED'],
])('may be written: %s', (_what, writes, writable, code) => {
  expect(writeRefusal(state({}).fold, writes, writable)?.code).toBe(code)
})

const text = (bytes: number): string => 'x'.repeat(bytes - 2)

test('a value up to its limit is kept, to the byte; what appends of several turns add up to counts as well', () => {
  const { fold } = state({ list: [text(limits.stateValueBytes - 10)] })
  expect(writeRefusal(fold, { set: { a: text(limits.stateValueBytes) } }, [])).toBeUndefined()
  expect(writeRefusal(fold, { set: { a: text(limits.stateValueBytes + 1) } }, [])).toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining(`"a" would have ${limits.stateValueBytes + 1} bytes`),
  })
  expect(writeRefusal(fold, { append: { list: [text(20)] } }, [])).toMatchObject({ code: 'TOO_LARGE' })
})

test('the whole state stays below its limit; what makes it smaller is always taken', () => {
  const { fold } = state({ a: text(200_000), b: text(100) })
  fold.stateBytes = limits.stateBytes
  expect(writeRefusal(fold, { set: { b: text(100) } }, [])).toBeUndefined()
  expect(writeRefusal(fold, { set: { b: text(101) } }, [])).toMatchObject({
    code: 'TOO_LARGE',
    message: `the whole state would have ${limits.stateBytes + 1} bytes, at most ${limits.stateBytes} are kept`,
  })
  fold.stateBytes = limits.stateBytes + 50
  expect(writeRefusal(fold, { set: { b: text(99) } }, [])).toBeUndefined()
  expect(writeRefusal(fold, { delete: ['a'] }, [])).toBeUndefined()
})
