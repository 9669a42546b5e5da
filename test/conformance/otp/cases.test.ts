import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cases } from './cases.ts'
import { conformancePage } from './page.ts'

const folder = new URL('./', import.meta.url)
const tests = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts') && name !== 'cases.test.ts')
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

test('all 93 cases of the suite are listed, each once', () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(93)
  expect(cases).toHaveLength(93)
})

test.each(cases.filter(({ port }) => port !== 'skipped').map(({ name }) => name))(
  '%s has a test of its name',
  (name) => {
    // In a title, `name: what holds`, or as the value that a title is made of.
    expect(tests).toMatch(new RegExp(`['"\`]${name}(: |['"\`])`))
  },
)

test('docs/conformance.md is what the table says', () => {
  const page = readFileSync(new URL('../../../docs/conformance.md', import.meta.url), 'utf8')
  expect(page, 'run `pnpm conformance`').toBe(conformancePage())
})
