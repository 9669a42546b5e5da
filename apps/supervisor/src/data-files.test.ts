import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ensureToken, removeEndpoint, writeEndpoint } from './data-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-data-'))
})
afterEach(() => rm(folder, { recursive: true }))

const rights = async (name: string) => (await stat(join(folder, name))).mode & 0o777

it('makes one token for the owner only and keeps it', async () => {
  const first = await ensureToken(folder, undefined)
  expect(first.token).toMatch(/^[0-9a-f]{64}$/)
  expect(await ensureToken(folder, undefined)).toEqual({ token: first.token, file: join(folder, 'token') })
  expect([await rights('token'), await readdir(folder)]).toEqual([0o600, ['token']])
})

it('takes the given token without writing it', async () => {
  expect(await ensureToken(folder, 'mine')).toEqual({ token: 'mine' })
  expect(await readdir(folder)).toEqual([])
})

it('needs no disk for a supervisor in memory', async () => {
  expect((await ensureToken(':memory:', undefined)).token).toMatch(/^[0-9a-f]{64}$/)
  await writeEndpoint(':memory:', { url: 'u', pid: 1 })
  await removeEndpoint(':memory:')
})

it('tells where it listens, over what a crash left, and takes it back', async () => {
  await writeFile(join(folder, 'endpoint.json.tmp'), 'half', { mode: 0o644 })
  await writeEndpoint(folder, { url: 'http://x', pid: 1 })
  expect(JSON.parse(await readFile(join(folder, 'endpoint.json'), 'utf8'))).toEqual({ url: 'http://x', pid: 1 })
  expect(await rights('endpoint.json')).toBe(0o600)
  await removeEndpoint(folder)
  expect(await readdir(folder)).toEqual([])
})
