import { expect, test } from 'vitest'
import { checkManifest } from './problems.ts'

const least = { name: 'a', entrypoint: './a.ts' }

test('a section is on, unless it says otherwise; without one there is no memory', () => {
  const memoryOf = (fields: object) => {
    const check = checkManifest({ ...least, ...fields })
    return check.ok ? check.manifest.memory : check.problems
  }
  expect(memoryOf({})).toBeUndefined()
  expect(memoryOf({ memory: {} })).toEqual({ enabled: true, max: 5, min_score: 0, auto_store: false })
  const whole = { enabled: false, max: 7, min_score: 0.5, auto_store: true, share: 'team', embeddings: 'openai:some' }
  expect(memoryOf({ model: 'openai:some', memory: whole })).toEqual(whole)
})

test.each([
  [{ max: 0 }, 'memory.max', 'expected at least 1, found the number 0'],
  [{ max: 101 }, 'memory.max', 'expected at most 100, found the number 101'],
  [{ min_score: -1 }, 'memory.min_score', 'expected a score, 0 or more, found the number -1'],
  [{ auto_store: true }, 'memory.auto_store', 'expected a model beside it, whose results are stored, found none'],
  [
    { embeddings: 'some' },
    'memory.embeddings',
    'expected a model for vectors such as openai:text-embedding-3-small, found "some"',
  ],
  [{ embed: 'x' }, 'memory.embed', 'expected a known field, found embed'],
])('%o is refused', (memory, path, message) => {
  const check = checkManifest({ ...least, memory })
  expect(check.ok ? [] : check.problems.map((each) => [each.path.join('.'), each.message])).toEqual([[path, message]])
})
