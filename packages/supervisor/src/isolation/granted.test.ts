import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Manifest } from '../manifests/manifest.ts'
import { keyFiles } from '../vault/vault-key.ts'
import { grants } from './granted.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-granted-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('no permission reaches a key of the vault, whichever way leads to it', async () => {
  const at = (name: string): string => join(folder, name)
  for (const name of ['keys', 'credentials', 'in']) mkdirSync(at(name))
  writeFileSync(at('keys/vigil'), 'a1'.repeat(32))
  symlinkSync(at('keys'), at('way'))
  const keys = keyFiles({ env: { CREDENTIALS_DIRECTORY: at('credentials') }, keyFile: at('keys/vigil') })
  const { admit } = grants({ fileSystem: nodeFileSystem(), world: new Map(), dataDirectory: undefined, keyFiles: keys })
  const admitted = (fsRead: string[]) =>
    admit({ name: 'a', permissions: { fsRead, fsWrite: [] } } as unknown as Manifest)
  for (const path of [at('keys/vigil'), at('keys'), at('way'), at('credentials/other'), folder])
    await expect(admitted([at('in'), path]), path).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('permissions.fs_read'),
    })
  await admitted([at('in')])
})

test('a listener without a token and a program of a server exclude each other', async () => {
  const permissions = { rawNetwork: false, childProcess: false, addons: false, fsRead: [], fsWrite: [] }
  const manifestWith = (server: object) => ({ name: 'a', permissions, servers: { fs: server } }) as unknown as Manifest
  const world = new Map()
  const parts = { fileSystem: nodeFileSystem(), world, dataDirectory: undefined, keyFiles: [] }
  const { admit, listensToAll } = grants(parts)
  const program = manifestWith({ command: 'npx', args: [], env: {}, directory: '/' })
  world.set('a', { name: 'a', manifest: program })
  expect(listensToAll).toThrow('because "a" has servers.fs.command')
  world.set('a', { name: 'a', manifest: manifestWith({ url: 'https://a', headers: {} }) })
  const closed = listensToAll()
  await expect(admit(program)).rejects.toThrow('servers.fs.command: expected a supervisor whose callers have a token')
  closed()
  await admit(program)
})
