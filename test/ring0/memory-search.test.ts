import { limits } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { type MemoryEntry, type ProcessFold, rowBeside } from '../../packages/supervisor/src/fold/process-fold.ts'
import { memoryIndexes } from '../../packages/supervisor/src/memory/memory-indexes.ts'
import { best, ranked } from '../../packages/supervisor/src/memory/search.ts'

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
