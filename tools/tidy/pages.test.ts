import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseManifestText } from '@vigil/supervisor'
import { expect, test } from 'vitest'

/** A manifest that people copy from a page has to be one. */
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const example = 'examples/pipeline-watch'

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
  for (const text of manifests) expect(parseManifestText(text, { file: page, env: {} }).name).toMatch(/\w/)
})

test.each(readdirSync(`${root}/${example}`).filter((name) => name.endsWith('.agent')))('%s is valid', (name) => {
  const file = `${root}/${example}/${name}`
  expect(parseManifestText(readFileSync(file, 'utf8'), { file, env: {} })).toMatchObject({
    name: name.replace('.agent', ''),
    entrypoint: file.replace('.agent', '.ts'),
  })
})
