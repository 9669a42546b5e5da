import fc from 'fast-check'
import { expect, test } from 'vitest'
import { topicMatcher, topicMatches, topicPatternProblem } from './topic-pattern.ts'

test.each([
  ['pipeline.failed', 'pipeline.failed', true],
  ['pipeline.failed', 'pipeline.failed.hard', false],
  ['pipeline.*', 'pipeline.failed', true],
  ['pipeline.*', 'pipeline', false],
  ['pipeline.*', 'pipeline.failed.hard', false],
  ['*.failed', 'pipeline.failed', true],
  ['*', 'pipeline', true],
  ['*', 'pipeline.failed', false],
  ['**', 'pipeline.failed', true],
  ['pipeline.**', 'pipeline', true],
  ['pipeline.**', 'pipeline.a.b.c', true],
  ['pipeline.**', 'pipelines.a', false],
  ['**.failed', 'a.b.failed', true],
  ['**.failed', 'a.failed.b', false],
  ['a.**.c.*', 'a.c.b.c.d', true],
  ['a.**.c.*', 'a.c.b.c', false],
  ['a.+', 'a.b', false],
])('%s on %s: %s', (pattern, topic, expected) => {
  expect(topicMatches(pattern, topic)).toBe(expected)
})

test('says the same as a regular expression', () => {
  const topic = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 6 })
  const pattern = fc.array(fc.constantFrom('a', 'b', '*', '**'), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(pattern, topic, (wanted, found) => {
      const body = wanted
        .map((each) => (each === '**' ? '(\\.[^.]+)*' : each === '*' ? '\\.[^.]+' : `\\.${each}`))
        .join('')
      expect(topicMatcher(wanted.join('.'))(found.join('.'))).toBe(new RegExp(`^${body}$`).test(`.${found.join('.')}`))
    }),
    { numRuns: 2_000 },
  )
})

test('a hostile pattern on a long topic stays quick', () => {
  const began = performance.now()
  expect(topicMatches(`${'**.a.'.repeat(50)}b`, Array<string>(5_000).fill('a').join('.'))).toBe(false)
  expect(performance.now() - began).toBeLessThan(1_000)
})

test('names what is wrong with a pattern', () => {
  expect(topicPatternProblem('pipeline.*.**')).toBeUndefined()
  expect(topicPatternProblem('pipe*')).toContain('found "pipe*"')
  expect(topicPatternProblem('a..b')).toContain('empty')
})
