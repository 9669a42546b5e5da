import { limits } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { type MemoryEntry, type ProcessFold, rowBeside } from '../../packages/supervisor/src/fold/process-fold.ts'
import { embedding } from '../../packages/supervisor/src/memory/embedding.ts'
import { memoryIndexes } from '../../packages/supervisor/src/memory/memory-indexes.ts'
import { best, fused, ranked } from '../../packages/supervisor/src/memory/search.ts'
import { nearness } from '../../packages/supervisor/src/memory/vectors.ts'

const entry = (id: string, text: string, at = '2026-01-01T00:00:00.000Z'): MemoryEntry => ({
  ...{ id, text, at, by: 'alpha', tags: [] },
})

function row(...entries: MemoryEntry[]): ProcessFold {
  const made = rowBeside('@memory/team')
  for (const each of entries) {
    made.memory.set(each.id, each)
    made.memoryBytes += each.text.length
  }
  return made
}

const found = (of: ProcessFold, query: string): string[] => {
  const indexes = memoryIndexes(virtualClock())
  return ranked(of, indexes.scores(of, query)).map(({ id }) => id)
}

test('words are whole, and case, accents and signs make no difference', () => {
  const of = row(entry('a', "L'été à Zürich: naïve!"), entry('b', 'ПРИВЕТ, мир'), entry('c', 'prefixes and prefix'))
  expect(found(of, 'zurich')).toEqual(['a'])
  expect(found(of, 'ETE')).toEqual(['a'])
  expect(found(of, 'привет')).toEqual(['b'])
  expect(found(of, 'prefix')).toEqual(['c'])
  expect(found(of, 'prefi')).toEqual([])
  expect(found(of, '?!')).toEqual([])
})

test('of equal scores the newest comes first, then the id decides', () => {
  const later = '2026-01-02T00:00:00.000Z'
  const of = row(
    entry('b', 'same words'),
    entry('a', 'same words'),
    entry('c', 'same words', later),
    entry('d', 'same'),
  )
  expect(found(of, 'words')).toEqual(['c', 'a', 'b'])
  expect(found(of, ' ')).toEqual(['c', 'a', 'b', 'd'])
})

test('an index that followed every change ranks as one that is made anew', () => {
  const of = row()
  const indexes = memoryIndexes(virtualClock())
  for (let n = 0; n < 300; n += 1) {
    const id = `m${(n * 7) % 90}`
    of.memory.delete(id)
    if (n % 5 !== 0) of.memory.set(id, entry(id, `word${n % 11} other${n % 3} ${'filler '.repeat(n % 4)}`))
    if (n % 10 === 0) indexes.scores(of, 'word1')
  }
  const anew = memoryIndexes(virtualClock())
  for (const query of ['word1 other2', 'filler', 'word3 word4 other0'])
    expect(ranked(of, indexes.scores(of, query))).toEqual(ranked(of, anew.scores(of, query)))
})

test('others work while a large memory is taken in, and it may change meanwhile', async () => {
  const clock = virtualClock()
  const of = row(...Array.from({ length: 200 }, (_, n) => entry(`m${n}`, `word ${'filler '.repeat(100)}`)))
  let pauses = 0
  const indexes = memoryIndexes({
    ...clock,
    setTimer(ms, fire) {
      pauses += 1
      of.memory.delete(`m${pauses}`)
      of.memory.set(`new${pauses}`, entry(`new${pauses}`, 'another word'))
      return clock.setTimer(ms, fire)
    },
  })
  const prepared = indexes.prepare(of, 'word')
  await clock.advance(0)
  await prepared
  expect(pauses).toBeGreaterThan(5)
  const ids = ranked(of, indexes.scores(of, 'word')).map(({ id }) => id)
  expect(new Set(ids)).toEqual(new Set(of.memory.keys()))
  expect(ids.length).toBe(of.memory.size)
})

test('one outcome holds no more text than a result may have', () => {
  const long = 'x'.repeat(limits.memoryTextBytes)
  const of = row(...Array.from({ length: 30 }, (_, n) => entry(`m${n}`, long)))
  expect(best(ranked(of, undefined), 30).length).toBe(Math.floor(limits.resultBytes / limits.memoryTextBytes))
  expect(best(ranked(of, undefined), 3).length).toBe(3)
})

test('what stands high in one ranking stands high, and higher in both', () => {
  const of = row(...['a', 'b', 'c', 'd'].map((id) => entry(id, id)))
  const by = (scores: Record<string, number>) => ranked(of, new Map(Object.entries(scores)))
  const found = fused(by({ a: 9, b: 5 }), by({ b: 0.9, c: 0.8, d: -1 }))
  expect(found.map(({ id }) => id)).toEqual(['b', 'a', 'c', 'd'])
  expect(found.map(({ score }) => score)).toEqual([0.032522, 0.016393, 0.016129, 0.015873])
  expect(fused([], [])).toEqual([])
})

test('nearness is the cosine, to entries whose vector the same model has made', async () => {
  const base64 = (...numbers: number[]): string => Buffer.from(Float32Array.from(numbers).buffer).toString('base64')
  const of = row()
  const put = (id: string, data: string, model = 'm'): void =>
    void of.memory.set(id, { ...entry(id, id), vector: { model, data } })
  put('same', base64(3, 4))
  put('square', base64(-4, 3))
  put('against', base64(-3, -4))
  put('other', base64(3, 4), 'other')
  put('longer', base64(3, 4, 5))
  put('nothing', base64(0, 0))
  of.memory.set('none', entry('none', 'none'))
  const near = await nearness(of, { model: 'm', vector: base64(6, 8) }, virtualClock())
  expect([...near].map(([id, cosine]) => [id, Math.round(cosine * 1e6)])).toEqual([
    ['same', 1e6],
    ['square', 0],
    ['against', -1e6],
  ])
})

test('who searches waits 30 s for a vector at the most; what comes later is kept all the same', async () => {
  const clock = virtualClock()
  const row = rowBeside('alpha')
  row.memory.set('m-1', entry('m-1', 'text'))
  const manifest = { memory: { max: 5, minScore: 0, embeddings: 'a:b' } }
  const process = { ...row, manifest }
  const keys: string[] = []
  const answers: ((vectors: string[]) => void)[] = []
  const made = embedding({
    world: new Map([['alpha', process as never]]),
    clock,
    call: (request) =>
      new Promise((resolve) => {
        keys.push(request.key)
        answers.push((vectors) => resolve({ at: '', outcome: { ok: true, value: { vectors } } }))
      }),
  })
  const site = { process, turn: { turn: 't' }, key: 'memory.search::h#0' } as never
  let found: unknown = 'nothing yet'
  void made.question(site, 'query').then((question) => {
    found = question
  })
  await clock.advance(29_999)
  expect([answers.length, found]).toEqual([1, 'nothing yet'])
  await clock.advance(1)
  expect(answers.length).toBe(2)
  await clock.advance(30_000)
  expect(found).toBeUndefined()
  expect(clock.pending()).toBe(0)
  expect(keys[0]).toMatch(/^memory.search::h#0\/model.embed:[0-9a-f]{16}#0$/)
  const late = { ...(site as object), key: keys[0] } as never
  const outcome = { ok: true as const, value: { vectors: ['AAAA'] } }
  expect(made.beside(late, outcome)).toMatchObject([
    { type: 'memory.embedded', data: { model: 'a:b', vectors: [['m-1', 'AAAA']] } },
  ])
  answers[0]?.(['AAAA'])
  await clock.advance(0)
  expect(made.beside(late, outcome)).toEqual([])
})
