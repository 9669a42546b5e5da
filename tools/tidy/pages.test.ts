import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@vigil/journal'
import { loadManifests, parseManifestText } from '@vigil/supervisor'
import { expect, test } from 'vitest'

/** A manifest that people copy from a page has to be one. */
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const examples = readdirSync(`${root}/examples`).flatMap((name) =>
  readdirSync(`${root}/examples/${name}`).flatMap((file) =>
    file.endsWith('.agent') ? [`examples/${name}/${file}`] : [],
  ),
)

/** The variables that the pages say to set. */
const env = { GITHUB_WEBHOOK_SECRET: 'choose-one', NEWS_SECRET: 'choose-one' }

/** The indented blocks of a page that begin with a name, as a manifest does. */
function manifestsOf(page: string): string[] {
  const blocks = readFileSync(`${root}/${page}`, 'utf8').match(/(?:^ {4}.*\n|^\n(?= {4}))+/gm) ?? []
  return blocks
    .map((block) => block.replaceAll(/^ {4}/gm, '').trimStart())
    .filter((block) => block.startsWith('name: '))
}

test.each(['README.md', 'docs/manifest.md'])('the manifests of %s are valid', (page) => {
  const manifests = manifestsOf(page)
  expect(manifests.length).toBeGreaterThan(0)
  for (const text of manifests) expect(parseManifestText(text, { file: page, env }).name).toMatch(/\w/)
})

test.each(examples)('%s is valid', async (path) => {
  const [loaded] = await loadManifests([`${root}/${path}`], { fileSystem: nodeFileSystem(), env })
  expect(basename(path)).toBe(`${loaded?.manifest.name}.agent`)
  expect(existsSync(loaded?.manifest.entrypoint ?? `${root}/${path}`)).toBe(true)
})

test('every fault test that the page on reliability lists is there', () => {
  const page = readFileSync(`${root}/docs/reliability.md`, 'utf8')
  const rows = [...page.matchAll(/^\| (\d+): .* \| (.+) \|$/gm)]
  expect(rows.length).toBeGreaterThan(15)
  for (const [, number, where] of rows) {
    const files = [...(where as string).matchAll(/`(\S+)`/g)].map(([, file]) => file as string)
    expect(files.length, `files of fault test ${number}`).toBeGreaterThan(0)
    const texts = files.map((file) => readFileSync(`${root}/${file}`, 'utf8')).join('\n')
    expect(texts, `${files}: the number ${number}`).toMatch(new RegExp(`[Ff]aults?\\b.*\\b${number}\\b`))
  }
})
