import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseConfiguration } from './configuration.ts'
import { loadManifests, type ManifestDisk, readManifests } from './load.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-manifests-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The three methods that loading uses, on the real disk. */
const fileSystem: ManifestDisk = {
  readFile: (path: string) => readFile(path),
  readDirectory: async (path: string) => (await readdir(path)).sort(),
  stat: async (path: string) => {
    const found = await stat(path).catch(() => undefined)
    return (
      found && {
        kind: found.isDirectory() ? 'directory' : 'file',
        size: found.size,
        mtimeMs: found.mtimeMs,
        inode: found.ino,
      }
    )
  },
}
const options = { fileSystem, env: {} }
const write = (file: string, text: string) => writeFile(join(folder, file), text)
const least = (name: string) => `name: ${name}\nentrypoint: ./${name}.ts\n`

it('reads a folder sorted, other files ignored, and a file given twice once', async () => {
  await write('b.agent', least('second'))
  await write('a.agent', least('first'))
  await write('notes.md', '#')
  const loaded = await loadManifests([folder, join(folder, 'a.agent')], options)
  expect(loaded.map(({ manifest }) => manifest.name)).toEqual(['first', 'second'])
  expect(loaded[0]).toMatchObject({ baseDirectory: folder, file: join(folder, 'a.agent') })
})

it('refuses two manifests of one name, naming both files', async () => {
  await write('a.agent', least('twin'))
  await write('b.agent', least('twin'))
  await expect(loadManifests([folder], options)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: `${join(folder, 'b.agent')}: name: expected a name of its own, found twin, which ${join(folder, 'a.agent')} has too`,
  })
})

it('says the problems of all files together', async () => {
  await write('a.agent', 'name: a\n')
  await write('b.agent', 'entrypoint: ./b.ts\n')
  const { problems } = await readManifests([folder], options)
  expect(problems.map(({ file, path }) => [file, path])).toEqual([
    [join(folder, 'a.agent'), 'entrypoint'],
    [join(folder, 'b.agent'), 'name'],
  ])
})

it('says what is missing when a path leads nowhere or a folder is empty', async () => {
  await expect(loadManifests([join(folder, 'gone')], options)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('found nothing'),
  })
  await expect(loadManifests([folder], options)).rejects.toMatchObject({
    message: `expected *.agent files in ${folder}, found none`,
  })
})

it('puts a schema in the place of the path that names it', async () => {
  const trigger = (path: string) => `triggers:\n  - message: boss\n    schema: ${path}\n`
  await write('order.json', '{ "type": "object" }')
  await write('good.agent', least('good') + trigger('./order.json'))
  const [loaded] = await loadManifests([join(folder, 'good.agent')], options)
  expect(loaded?.manifest.triggers).toEqual([{ type: 'message', from: 'boss', schema: { type: 'object' } }])

  await write('order.json', '{ "type": "objekt" }')
  const { problems } = await readManifests([join(folder, 'good.agent')], options)
  expect(problems).toMatchObject([{ line: 5, column: 13, message: expect.stringContaining('./order.json: at type:') }])
  await write('order.json', '{')
  const broken = await readManifests([join(folder, 'good.agent')], options)
  expect(broken.problems).toMatchObject([{ message: expect.stringContaining('./order.json: expected JSON') }])
})

it('takes what a manifest does not say from the defaults of the fleet, field by field, whatever the spelling', async () => {
  await write('a.agent', `${least('silent')}`)
  await write('b.agent', `${least('other')}max_turn: 2m\ndelivery: { max_retries: 9 }\njournal: { bodies: keep }\n`)
  const text = `defaults:
  max_invocation_time: 5m
  delivery: { max_retries: 1, retry_backoff: 7s }
  journal: { bodies: hash, bodies_retention: 7d }
`
  const { value } = parseConfiguration(text, { file: 'vigil.yaml', env: {} })
  const loaded = await loadManifests([folder], { ...options, defaults: value?.defaults ?? {} })
  const [silent, other] = loaded.map(({ manifest }) => manifest)
  expect(silent).toMatchObject({
    maxTurnMs: 300_000,
    delivery: { maxRetries: 1, retryBackoffMs: 7_000 },
    journal: { bodies: 'hash', bodiesRetentionMs: 7 * 86_400_000 },
  })
  expect(other).toMatchObject({
    maxTurnMs: 120_000,
    delivery: { maxRetries: 9, retryBackoffMs: 7_000 },
    journal: { bodies: 'keep', bodiesRetentionMs: 7 * 86_400_000 },
  })
})

it.each([
  ['defaults: { max_tun: 5m }', 'defaults.max_tun'],
  ['defaults: { name: all }', 'defaults.name'],
  ['defaults: { journal: { bodies: no } }', 'defaults.journal.bodies'],
  ['defaults: [1]', 'defaults'],
])('refuses %s', (text, path) => {
  const { problems } = parseConfiguration(text, { file: 'vigil.yaml', env: {} })
  expect(problems.map((problem) => problem.path)).toEqual([path])
})
