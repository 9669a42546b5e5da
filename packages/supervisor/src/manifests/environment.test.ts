import { expect, it } from 'vitest'
import { isReference, resolveEnvironment } from './environment.ts'

const env = { A: 'one', EMPTY: '' }

it.each([
  ['plain', 'plain', []],
  ['${A}/${A}', 'one/one', []],
  ['${B}', '${B}', ['B']],
  ['${B:-two}', 'two', []],
  ['${B:-}', '', []],
  ['${A:-two}', 'one', []],
  ['${EMPTY}', '', []],
  ['${EMPTY:-two}', 'two', []],
  ['$${A}', '${A}', []],
  ['$A {A}', '$A {A}', []],
])('%s', (text, resolved, missing) => {
  expect(resolveEnvironment(text, env)).toEqual({ text: resolved, missing })
})

it('knows a text that is one reference', () => {
  expect(['${A}', '${A:-1}', ' ${A}', '${A}${A}', '$${A}'].map(isReference)).toEqual([true, true, false, false, false])
})
