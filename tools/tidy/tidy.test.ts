import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorTable } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { measuredFunctions } from './function-length.ts'
import { brokenLinks, longMedian, silentPackages, unexplainedDependencies, unraisedErrors } from './repository.ts'
import { complaints, rules } from './tidy.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
const files = tracked
  .split('\n')
  .filter((path) => /\.(ts|mjs|md|json|yaml|sh|agent)$/.test(path) && existsSync(join(root, path)))
  .filter((path) => !path.startsWith('tools/tidy/bad-samples/'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const bad: Record<string, { path: string; text: string }> = {
  'no file over': { path: 'packages/a/src/x.ts', text: 'x\n'.repeat(401) },
  'no function of': {
    path: 'packages/a/src/x.ts',
    text: `function long(): void {\n${'  f()\n'.repeat(70)}}\n`,
  },
  'no name that': { path: 'packages/a/src/string-utils.ts', text: '' },
  'time and random': { path: 'packages/journal/src/x.ts', text: 'const t = Date.now()' },
  'no test that': { path: 'packages/a/src/x.test.ts', text: `${'test'}.skip('x', () => {})` },
  'nothing is left': { path: 'packages/a/src/x.ts', text: `// ${'TO'}DO: later` },
  'the process is': { path: 'packages/a/src/x.ts', text: 'process.exit(1)' },
  'no path of one': { path: 'docs/x.md', text: `see /${'Users'}/me/thing` },
}

test.each(rules.map((rule) => [rule.name, rule] as const))('catches: %s', (name, rule) => {
  const sample = Object.entries(bad).find(([start]) => name.startsWith(start))?.[1]
  expect(sample, 'every rule has a bad sample').toBeDefined()
  if (sample === undefined) return
  expect(rule.applies(sample.path)).toBe(true)
  expect(rule.check(sample)).not.toEqual([])
})

test('the repository keeps its rules', () => {
  expect(complaints(files)).toEqual([])
})

test('a function is measured without the functions inside it', () => {
  const factory = ['export function counter(start = 0) {', '  let n = start', '  return {']
  const method = ['    add(', '      by: number,', '    ): number {', '      n += by', '      return n', '    },']
  const text = [...factory, ...method, '  }', '}', 'const f = async (a: string) => {', '  a.trim()', '}'].join('\n')
  expect(measuredFunctions(text)).toEqual([
    { line: 6, length: 4 },
    { line: 1, length: 8 },
    { line: 12, length: 3 },
  ])
})

const source = (text: string) => [{ path: 'packages/a/src/x.ts', text }]

test('the median file is under 100 lines', () => {
  expect(longMedian(source('x\n'.repeat(100)))).toBe(101)
  expect(longMedian(files)).toBeUndefined()
})

test('every error of the table is raised somewhere', () => {
  expect(unraisedErrors(source("throw new VigilError('TOO_LARGE', '')"), ['TOO_LARGE', 'FENCED'])).toEqual(['FENCED'])
  expect(unraisedErrors(files, Object.keys(errorTable))).toEqual([])
})

test('every link between pages leads somewhere', () => {
  const page = { path: 'docs/a.md', text: '[a](b.md) [b](b.md#part) [c](../gone.md) [d](https://x.org) [e](#here)' }
  expect(brokenLinks([page], (path) => path === 'docs/b.md')).toEqual(['docs/a.md -> ../gone.md'])
  expect(brokenLinks(files, (path) => existsSync(join(root, path)))).toEqual([])
})

test('every dependency has its reason in docs/dependencies.md, and no other', () => {
  const sample = [
    { path: 'package.json', text: '{ "devDependencies": { "node": "1.0.0", "@vigil/a": "workspace:*" } }' },
    { path: 'docs/dependencies.md', text: '| `vitest` | root | runs what a node has |' },
  ]
  expect(unexplainedDependencies(sample)).toEqual(['no reason for node', 'vitest is no dependency'])
  expect(unexplainedDependencies(files)).toEqual([])
})

test('every package says in one line what it hides', () => {
  const silent = { path: 'packages/a/package.json', text: '{ "name": "a" }' }
  expect(silentPackages([silent])).toEqual(['packages/a/package.json'])
  expect(silentPackages(files)).toEqual([])
})
