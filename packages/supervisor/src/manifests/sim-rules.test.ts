import type { FileStat } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { loadManifests, type ManifestDisk } from './load.ts'
import { manifestFromSpec } from './spec.ts'

const disk = (files: Readonly<Record<string, string>>): ManifestDisk => ({
  readFile: async (path) => new TextEncoder().encode(files[path]),
  readDirectory: async () => Object.keys(files),
  stat: async (path) =>
    files[path] === undefined ? undefined : ({ kind: 'file', size: files[path].length } as FileStat),
})
const load = (rules: string | undefined, sim = './rules.yaml') =>
  loadManifests(['/a/desk.agent'], {
    env: {},
    fileSystem: disk({
      '/a/desk.agent': `name: desk\nmodel: sim:rules\nsim: ${sim}\n`,
      ...(rules === undefined ? {} : { '/a/rules.yaml': rules }),
    }),
  })

test('rules stand in a file, and with the manifest on record', async () => {
  const [loaded] = await load(
    "- when: role == 'user'\n  tool: search\n  input: { words: '{{ payload.words }}' }\n- text: done\n",
  )
  expect(loaded?.manifest.thinking?.sim).toEqual([
    { when: "role == 'user'", tool: 'search', input: { words: '{{ payload.words }}' } },
    { text: 'done' },
  ])
})

test.each([
  [undefined, './rules.yaml: expected a list of entries, found no file of at most 64000 bytes'],
  ['a: [', './rules.yaml: expected YAML'],
  ['[]', './rules.yaml: expected at least one entry'],
  ['- input: 1\n  text: x\n', './rules.yaml: expected input only beside tool at 0'],
  ["- when: role = 'user'\n  text: x\n", './rules.yaml: at 0.when: filter, '],
  ["- when: rle == 'user'\n  text: x\n", 'a path that begins with role, text, tool'],
  ["- text: '{{ payload[ }}'\n", './rules.yaml: at 0.text: path, '],
])('a file that is none is refused with its place %#', async (rules, message) => {
  await expect(load(rules)).rejects.toThrow(message)
})

test.each([
  [{ model: 'sim:rules' }, 'what sim:rules says'],
  [{ model: 'openai:gpt-5-mini', sim: [{ text: 'x' }] }, 'model: sim:rules or sim:script beside sim'],
  [{ model: 'sim:script', sim: [{}] }, 'text, tool (with its input) or tools in each entry'],
  [{ model: 'sim:script', sim: [{ tool: 'a', tools: [{ tool: 'b' }] }] }, 'one of tool and tools'],
])('a model and its rules go together %#', (fields, message) => {
  expect(() => manifestFromSpec({ name: 'a', ...fields } as never, { baseDirectory: '/' })).toThrow(message)
})
