import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { claimSocket } from './socket-claim.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-socket-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe.each([
  ['a socket file', () => join(directory, 'lock.sock')],
  ['an abstract name', () => `\0vigil-test:${directory}`],
])('%s', (_kind, pathOf) => {
  test('has one owner until its release', async () => {
    const claim = await claimSocket(pathOf())
    expect(claim).toBeDefined()
    expect(await claimSocket(pathOf())).toBeUndefined()
    expect(await claimSocket(pathOf()), 'asking frees nothing').toBeUndefined()
    await claim?.release()
    const next = await claimSocket(pathOf())
    expect(next).toBeDefined()
    await next?.release()
  })

  test('is free after kill -9 of its owner', async () => {
    const program = `require('node:net').createServer().listen({ path: ${JSON.stringify(pathOf())} }, () => console.log('bound'))`
    const owner = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(owner, 'close')
    try {
      await once(owner.stdout, 'data')
      expect(await claimSocket(pathOf())).toBeUndefined()
      owner.kill('SIGKILL')
      await closed
      const claim = await claimSocket(pathOf())
      expect(claim).toBeDefined()
      await claim?.release()
      expect(existsSync(join(directory, 'lock.sock')), 'nothing is left behind').toBe(false)
    } finally {
      owner.kill('SIGKILL')
      await closed
    }
  })
})

test('a folder that is not there is an error, not an owner', async () => {
  await expect(claimSocket(join(directory, 'none', 'lock.sock'))).rejects.toThrow()
})
