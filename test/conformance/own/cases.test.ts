import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ownCases } from './cases.ts'

test('no case is listed twice', () => {
  expect(new Set(ownCases.map(({ name }) => name)).size).toBe(ownCases.length)
})

test.each(ownCases)('$name has a test of its name', ({ name, file, on }) => {
  const text = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8')
  expect(text).toMatch(new RegExp(`['"\`, ]${name}([:,]|['"\`])`))
  if (on === 'both tiers') expect(text).toMatch(/describe\.each\((\['process', 'thread'\] as const|tiers)\)/)
})
