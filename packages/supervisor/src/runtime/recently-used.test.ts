import { expect, test } from 'vitest'
import { recentlyUsed } from './recently-used.ts'

const three = () => {
  const words = recentlyUsed<string>(10, (word) => word.length)
  for (const word of ['four', 'six', 'two']) words.set(word, word)
  return words
}

test('what was not used longest goes first, and only as much as has to', () => {
  const words = three()
  words.get('four')
  words.set('ten', 'ten')
  expect(['four', 'six', 'two', 'ten'].map((word) => words.get(word))).toEqual(['four', undefined, 'two', 'ten'])
})

test('a value that is set again counts once', () => {
  const words = three()
  for (let time = 0; time < 10; time += 1) words.set('two', 'too')
  expect(['four', 'six', 'two'].map((word) => words.get(word))).toEqual(['four', 'six', 'too'])
})

test('the newest stays, however large it is', () => {
  const words = three()
  words.set('large', 'larger than all')
  expect(['four', 'six', 'two', 'large'].map((word) => words.get(word))).toEqual([
    undefined,
    undefined,
    undefined,
    'larger than all',
  ])
})
