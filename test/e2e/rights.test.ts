import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@vigil/api'
import { type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'

const entrypoint = new URL('../fixtures/trespasser/trespasser.ts', import.meta.url)
let top: string
let supervisor: Supervisor
let agents = 0
const at = (...names: string[]): string => join(top, ...names)

beforeEach(async () => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'vigil-rights-')))
  mkdirSync(at('in'))
  mkdirSync(at('out'))
  writeFileSync(at('in/a.txt'), 'inside')
  writeFileSync(at('secret.txt'), 'SECRET')
  symlinkSync(at('secret.txt'), at('in/link'))
  supervisor = await Supervisor.start({ dataDir: at('data') })
})
afterEach(async () => {
  await supervisor.stop()
  rmSync(top, { recursive: true })
})

type Attempt = readonly [call: string, ...args: string[]]

async function tried(spec: Partial<SpawnSpec>, attempts: readonly Attempt[]): Promise<unknown> {
  const agent = await supervisor.spawn({ name: `trespasser-${++agents}`, entrypoint, ...spec })
  return await agent.run(attempts.map(([call, ...args]) => ({ call, args })))
}

test('an agent has the files of its manifest by ctx.files, and nothing else', async () => {
  const files = {
    in: at('in'),
    out: { path: at('out'), mode: 'rw' as const },
    data: { path: at('data'), mode: 'rw' as const },
  }
  const outcomes = await tried({ files }, [
    ['ctx.files read', 'in/a.txt'],
    ['ctx.files write', 'out/2026/b.txt', 'written'],
    ['ctx.files list', 'out/2026'],
    ['ctx.files read', 'in/link'],
    ['ctx.files write', 'in/a.txt', 'x'],
    ['ctx.files read', 'etc/hostname'],
    ['ctx.files read', 'data/token'],
    ['ctx.files write', 'data/journal/x', 'x'],
    ['node:fs readFileSync', at('in/a.txt')],
  ])
  expect(outcomes).toEqual([
    'inside',
    'undefined',
    '[{"name":"b.txt","size":7}]',
    expect.stringMatching(/^FILE_DENIED: .*leads to/),
    expect.stringContaining('change in the manifest: files: { "in": { path: PATH, mode: rw } }'),
    expect.stringContaining('add to the manifest: files: { "etc": PATH }'),
    expect.stringMatching(/^FILE_DENIED: .*where Vigil keeps its own data/),
    expect.stringMatching(/^FILE_DENIED: .*where Vigil keeps its own data/),
    expect.stringMatching(/^ERR_ACCESS_DENIED: .*permissions: \{ fs_read: \[PATH\]/),
  ])
  expect(readFileSync(at('out/2026/b.txt'), 'utf8')).toBe('written')
})

const tries: readonly Attempt[] = [
  ['node:fs readFileSync', '/IN/a.txt', 'utf8'],
  ['node:fs writeFileSync', '/OUT/b.txt', 'written'],
  ['node:child_process execSync', 'echo'],
  ['node:net createServer'],
  ['node:fs readFileSync', '/TOP/secret.txt', 'utf8'],
  ['node:fs readFileSync', '/IN/../secret.txt', 'utf8'],
  ['node:fs writeFileSync', '/TOP/b.txt', 'x'],
  ['node:fs symlinkSync', '/TOP/secret.txt', '/OUT/link'],
  ['node:fs symlinkSync', '../secret.txt', '/OUT/link'],
  ['node:fs linkSync', '/TOP/secret.txt', '/OUT/link'],
  ['node:fs renameSync', '/IN', '/TOP/moved'],
]
const denied = 'ERR_ACCESS_DENIED'

test('each of the permissions opens what it says to the cell of its agent, and nothing beside it', async () => {
  const rights: readonly (readonly [SpawnSpec['permissions'], ...string[]])[] = [
    [{}, denied, denied, denied, denied],
    [{ fsRead: [at('in')], fsWrite: [at('out')] }, 'inside', 'undefined', denied, denied],
    [{ childProcess: true }, denied, denied, '{', denied],
    [{ rawNetwork: true }, denied, denied, denied, '{'],
  ]
  const here = (arg: string): string => arg.replace('/IN', at('in')).replace('/OUT', at('out')).replace('/TOP', top)
  const attempts = tries.map(([call, ...args]): Attempt => [call, ...args.map(here)])
  const found = await Promise.all(
    rights.map(async ([permissions = {}]) => {
      const outcomes = (await tried({ permissions }, attempts)) as string[]
      return outcomes.map((outcome) => (outcome.startsWith('{') ? '{' : outcome.split(':')[0]))
    }),
  )
  expect(found).toEqual(rights.map(([_, ...open]) => [...open, ...Array(7).fill(denied)]))
})

test('permissions open neither the data of Vigil nor a listener that asks for no token', async () => {
  const wide = (permissions: SpawnSpec['permissions'] = {}) =>
    supervisor.spawn({ name: 'wide', entrypoint, permissions })
  symlinkSync(at('data'), at('way'))
  for (const path of [at('data/journal'), at('way'), top])
    await expect(wide({ fsRead: [at('in'), path] })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: `wide: permissions.fs_read: expected a path without the data of Vigil, which are in ${at('data')}, found ${path}`,
    })
  await expect(wide({ fsWrite: [top] })).rejects.toMatchObject({ code: 'INVALID_CONFIG' })

  const open = await serve(supervisor, { port: 0, token: undefined })
  for (const permissions of [{ rawNetwork: true }, { childProcess: true }, { addons: true }])
    await expect(wide(permissions)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('expected a supervisor whose callers have a token'),
    })
  await open.close()
  await wide({ rawNetwork: true })
  await expect(serve(supervisor, { port: 0, token: undefined })).rejects.toMatchObject({
    code: 'INVALID_STATE',
    message: expect.stringContaining('because "wide" has permissions.raw_network'),
  })
  await (await serve(supervisor, { port: 0, token: 'secret' })).close()
})
