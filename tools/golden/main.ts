import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeGolden } from '../../test/golden/golden.ts'

/** `pnpm golden`: writes test/golden/format-1 as today's code would have written it. */
const target = fileURLToPath(new URL('../../test/golden/format-1', import.meta.url))
const { files, reading } = await makeGolden()
rmSync(target, { recursive: true, force: true })
for (const [path, bytes] of files) {
  mkdirSync(dirname(`${target}/data/${path}`), { recursive: true })
  writeFileSync(`${target}/data/${path}`, bytes)
}
writeFileSync(`${target}/folds.json`, `${JSON.stringify(reading.folds, null, 1)}\n`)
