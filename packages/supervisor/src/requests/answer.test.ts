import { expect, test } from 'vitest'
import { answerProblem, formProblem, inputProblem } from './answer.ts'

// Twice as long for each further letter: with forty it would take days.
const pattern = { type: 'string', pattern: '^(a+)+$' } as const
const text = `${'a'.repeat(40)}!`

test('a pattern that never comes to an end holds nobody up: an answer is refused, edits are for the tool to check', () => {
  expect(answerProblem({ schema: pattern }, 'aaa')).toBeUndefined()
  expect(answerProblem({ schema: pattern }, text)).toContain('reasonable time')
  expect(inputProblem({ type: 'object', properties: { name: pattern } }, { name: text }, 'edits')).toBeUndefined()
  expect(inputProblem({ type: 'object', properties: { name: pattern } }, { name: 1 }, 'edits')).toContain('edits.name')
})

test('what was stopped leaves nothing behind', () => {
  expect(answerProblem({ schema: pattern }, text)).toContain('reasonable time')
  expect(answerProblem({ schema: { type: 'number' } }, 'x')).toContain('must be number')
  expect(formProblem({ schema: { type: 'nonsense' } })).toContain('expected a JSON Schema')
})
