import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorTable } from '@vigil/protocol'
import { expect, test } from 'vitest'
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
const sources = files.filter(
  ({ path }) => /^(packages|apps)\/.*\/src\/.*\.ts$/.test(path) && !/\.(test|fixture)\.ts$/.test(path),
)

const bad: Record<string, { path: string; text: string }> = {
  'no file over': { path: 'packages/a/src/x.ts', text: 'x\n'.repeat(401) },
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

test('the median file is under 100 lines', () => {
  const lengths = sources.map(({ text }) => text.split('\n').length).sort((a, b) => a - b)
  expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThan(100)
})

test('every error of the table is raised somewhere', () => {
  const text = sources
    .filter(({ path }) => !path.endsWith('protocol/src/errors.ts'))
    .map((file) => file.text)
    .join('\n')
  expect(Object.keys(errorTable).filter((code) => !text.includes(`'${code}'`))).toEqual([])
})

test('every link between pages leads somewhere', () => {
  const broken = files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => join(dirname(path), match[1] as string))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path} -> ${target}`),
    )
  expect(broken).toEqual([])
})

test('every dependency has its reason in docs/dependencies.md', () => {
  const page = files.find(({ path }) => path === 'docs/dependencies.md')?.text ?? ''
  const names = files
    .filter(({ path }) => path.endsWith('package.json'))
    .flatMap(({ text }) => {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(text) as Record<string, Record<string, string>>
      return Object.keys({ ...dependencies, ...devDependencies })
    })
    .filter((name) => !name.startsWith('@vigil/'))
  expect([...new Set(names)].filter((name) => !page.includes(name))).toEqual([])
})

test('every package says in one line what it hides', () => {
  const silent = files
    .filter(({ path }) => /^packages\/[^/]+\/package\.json$/.test(path))
    .filter(({ text }) => ((JSON.parse(text) as { description?: string }).description ?? '').length < 20)
  expect(silent.map(({ path }) => path)).toEqual([])
})
