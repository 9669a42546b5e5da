import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@vigil/journal'
import { recordTable } from '@vigil/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GoldenReading, makeGolden, readGolden } from './golden.ts'

/** Journals that older code wrote stay readable: each format has a data directory here, and what it has to say. */
const formats = ['format-1']
const anew = 'run `pnpm golden` and look at what changes'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'vigil-golden-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const folder = (format: string): string => fileURLToPath(new URL(format, import.meta.url))

async function reading(format: string): Promise<GoldenReading> {
  // A store writes into what it opens.
  cpSync(join(folder(format), 'data'), home, { recursive: true })
  return await readGolden(nodeFileSystem(), home)
}

test.each(formats)('%s says what it said when it was written', async (format) => {
  const { folds, recovered } = await reading(format)
  expect(folds, anew).toMatchObject(JSON.parse(readFileSync(join(folder(format), 'folds.json'), 'utf8')))
  expect(recovered, 'the checkpoint and its tail').toEqual(folds)
})

test('the newest format has a record of every type', async () => {
  const { types } = await reading(formats.at(-1) as string)
  expect(types, anew).toEqual(expect.arrayContaining(Object.keys(recordTable)))
})

test('golden files can be made again byte for byte', async () => {
  const [first, second] = [await makeGolden(), await makeGolden()]
  expect([...first.files.keys()]).toEqual([...second.files.keys()])
  for (const [path, bytes] of first.files)
    expect(Buffer.compare(bytes, second.files.get(path) as Uint8Array), path).toBe(0)
})
