import { limits } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { accepted, started, worldOf } from '../../fixtures/process.ts'
import type { SpawnSpec } from '../manifests/spec.ts'
import { rememberedRecords } from './auto-store.ts'

function ended(result: unknown, spec: Partial<SpawnSpec> = {}, payload: unknown = { question: 'why?' }) {
  const ring = worldOf({ model: 'openai:some', memory: { autoStore: true }, ...spec })
  ring.put(accepted('e1', payload))
  ring.put(started('e1'))
  const turn = ring.fold().turns.get('t-e1') as never
  return { ...ring, drafts: () => rememberedRecords(ring.world, ring.fold(), { turn, result }) }
}

test('what a thinking turn came to is stored with its event, under one id', () => {
  const { drafts, put, fold } = ended('because')
  const [draft, ...more] = drafts()
  expect(more).toEqual([])
  expect(draft).toMatchObject({
    type: 'memory.stored',
    turn: 't-e1',
    data: { text: 'manual {"question":"why?"}\nbecause', tags: ['auto'] },
  })
  expect(drafts()).toEqual([draft])
  put(draft as never)
  expect(fold().memory.size).toBe(1)
})

test('a shared memory gets it, and data is stored as JSON', () => {
  const { drafts, put, fold } = ended({ n: 1 }, { memory: { autoStore: true, share: 'team' } }, null)
  for (const draft of drafts()) put(draft)
  expect([...fold('@memory/team').memory.values()]).toMatchObject([{ text: 'manual null\n{"n":1}', by: 'alpha' }])
})

test('long events and results are cut', () => {
  const [draft] = ended('😀'.repeat(30_000), {}, 'p'.repeat(2_000)).drafts()
  const { text } = (draft as { data: { text: string } }).data
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.memoryTextBytes)
  expect(text).toMatch(/^manual "p{499}\.\.\.\n😀/)
  expect(text.isWellFormed()).toBe(true)
})

test.each<[string, unknown, Partial<SpawnSpec>]>([
  ['it is not asked for', 'x', { memory: {} }],
  ['there is no memory', 'x', { memory: { autoStore: true, enabled: false } }],
  ['it came to nothing', null, {}],
  ['it said nothing', ' ', {}],
])('nothing is stored when %s', (_what, result, spec) => {
  expect(ended(result, spec).drafts()).toEqual([])
})

test('nothing is stored when there is no room, or the turn began without a model', () => {
  const { drafts, fold } = ended('x')
  fold().memoryBytes = limits.memoryBytes
  expect(drafts()).toEqual([])
  const { world, fold: process } = ended('x')
  const turn = { ...process().turns.get('t-e1'), thinking: undefined } as never
  expect(rememberedRecords(world, process(), { turn, result: 'x' })).toEqual([])
})
