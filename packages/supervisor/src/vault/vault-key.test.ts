import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { secretBytes } from './secret-page.ts'
import { vaultKey } from './vault-key.ts'

const raw = Buffer.from(Array.from({ length: 32 }, (_, k) => k * 7))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-key-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const fileSystem = nodeFileSystem()
const keyOf = async (env: Record<string, string>, keyFile?: string): Promise<Buffer | undefined> => {
  const page = await vaultKey({ env, keyFile, fileSystem })
  return page === undefined ? undefined : Buffer.from(secretBytes(page))
}

test.each([
  ['hex', raw.toString('hex')],
  ['base64', raw.toString('base64')],
  ['the alphabet of URLs', raw.toString('base64url')],
])('VIGIL_KEY in %s', async (_name, text) => {
  expect(await keyOf({ VIGIL_KEY: text })).toEqual(raw)
})

test.each([
  ['raw', raw],
  ['as text with a line break', `${raw.toString('base64')}\n`],
])('a file, %s, or the credential that systemd gives', async (_name, bytes) => {
  writeFileSync(join(folder, 'vigil-key'), bytes)
  expect(await keyOf({}, join(folder, 'vigil-key'))).toEqual(raw)
  expect(await keyOf({ CREDENTIALS_DIRECTORY: folder })).toEqual(raw)
})

test('the variable goes before the file, and the file before the credential; there may be none', async () => {
  const key = (byte: number) => Buffer.alloc(32, byte)
  writeFileSync(join(folder, 'vigil-key'), key(1))
  writeFileSync(join(folder, 'file'), key(2))
  const env = { CREDENTIALS_DIRECTORY: folder }
  expect(await keyOf({ ...env, VIGIL_KEY: key(3).toString('hex') }, join(folder, 'file'))).toEqual(key(3))
  expect(await keyOf(env, join(folder, 'file'))).toEqual(key(2))
  expect(await keyOf(env)).toEqual(key(1))
  expect([await keyOf({}), await keyOf({ VIGIL_KEY: '', CREDENTIALS_DIRECTORY: tmpdir() })]).toEqual([
    undefined,
    undefined,
  ])
})

test.each([
  ['too short', { VIGIL_KEY: raw.subarray(1).toString('hex') }, undefined],
  ['a passphrase', { VIGIL_KEY: 'correct horse battery staple' }, undefined],
  ['a file that is not there', {}, '/nowhere/key'],
  ['a folder', {}, tmpdir()],
])('refuses %s, and does not repeat it', async (_name, env, file) => {
  const error = await keyOf(env, file).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('32 bytes') })
  for (const value of Object.values(env)) expect((error as Error).message).not.toContain(value)
})
