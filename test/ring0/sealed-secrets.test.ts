import { type SimulatedFileSystem, simulatedFileSystem, type VirtualClock, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, expect, it, test } from 'vitest'
import { filesOf, isZeroed, openSecretRing, type SecretRing } from '../support/secret-ring.ts'

const key = { VIGIL_KEY: 'a1'.repeat(32) }
const value = 'hunter2hunter2'
let fileSystem: SimulatedFileSystem
let clock: VirtualClock
let ring: SecretRing

beforeEach(async () => {
  fileSystem = simulatedFileSystem()
  clock = virtualClock()
  ring = await openSecretRing(fileSystem, clock, key)
  await ring.deploy()
})
afterEach(() => ring.close())

/** The supervisor ends and another one begins. */
const again = async (env: Record<string, string> = key): Promise<void> => {
  await ring.close()
  ring = await openSecretRing(fileSystem, clock, env)
}
const status = (name: string) => ring.secrets.list(ring.process()).find((secret) => secret.name === name)
const typesAndData = () =>
  ring.records.filter(({ type }) => type.startsWith('secret.')).map(({ type, data }) => [type, data])

it('keeps what was set over a restart, on the disk sealed and on record by name and version alone', async () => {
  const given = Buffer.from(value)
  await ring.secrets.set(ring.process(), 'api', { bytes: given, by: 'ops' })
  expect(given.every((byte) => byte === 0)).toBe(true)
  expect(typesAndData()).toEqual([
    ['secret.rotated', { name: 'api', version: 1, origin: 'set', kept: 'sealed', by: 'ops' }],
  ])
  await again()
  expect(await ring.use('api')).toBe(value)
  const files = await filesOf(fileSystem, '/data')
  expect([...files.keys()].filter((path) => path.startsWith('/data/vault/a/'))).toHaveLength(1)
  for (const bytes of files.values())
    for (const form of [value, Buffer.from(value).toString('base64').slice(0, 16), Buffer.from(value).toString('hex')])
      expect(bytes.includes(form)).toBe(false)
})

it('rotates: the next use has the new version, the old one is gone everywhere', async () => {
  await ring.set('api', value)
  const { secrets: old, release } = await ring.take('api')
  release()
  await ring.set('api', 'the second one')
  expect([await ring.use('api'), old.map(({ page }) => isZeroed(page))]).toEqual(['the second one', [true]])
  expect([...(await filesOf(fileSystem, '/data/vault')).keys()]).toHaveLength(1)
  const [first, second] = await Promise.all([ring.set('api', 'three'), ring.set('api', 'four')])
  expect([first.version, second.version, await ring.use('api')]).toEqual([3, 4, 'four'])
})

test('a rotation that is cut anywhere leaves the old version or the new one, and what was acknowledged is the new one', async () => {
  const seen = new Set<string>()
  for (const how of ['kill', 'crash'] as const)
    for (let nth = 1, cut = true; cut; nth += 1) {
      let left = Number.POSITIVE_INFINITY
      const disk: SimulatedFileSystem = simulatedFileSystem({
        onOperation() {
          left -= 1
          if (left === 0) disk[how]()
        },
      })
      const before = await openSecretRing(disk, clock, key)
      await before.deploy()
      await before.set('api', value)
      left = nth
      const acknowledged = await before.set('api', 'the second one').then(
        () => true,
        () => false,
      )
      cut = left <= 0
      left = Number.POSITIVE_INFINITY
      await before.close().catch(() => undefined)
      const after = await openSecretRing(disk, clock, key)
      const found = await after.use('api')
      seen.add(found)
      expect([value, 'the second one'], `${how} ${nth}`).toContain(found)
      if (acknowledged) expect(found, `${how} ${nth}`).toBe('the second one')
      await after.set('api', 'the third one')
      expect(await after.use('api'), `${how} ${nth}`).toBe('the third one')
      await after.close()
    }
  expect([...seen].sort()).toEqual([value, 'the second one'])
})

test.each([
  ['another key', 'VAULT_KEY_WRONG', async () => again({ VIGIL_KEY: 'b2'.repeat(32) })],
  ['no key', 'SECRET_MISSING', async () => again({})],
  [
    'a changed byte',
    'VAULT_DAMAGED',
    async () => {
      const [[path = '', bytes = Buffer.of()] = []] = [...(await filesOf(fileSystem, '/data/vault'))]
      const handle = await fileSystem.open(path, 'write')
      handle.write(Buffer.of((bytes.at(-1) ?? 0) ^ 1), bytes.length - 1)
      await handle.close()
      await again()
    },
  ],
  [
    'the file of another secret',
    'VAULT_DAMAGED',
    async () => {
      await ring.set('other', 'something else')
      const paths = [...(await filesOf(fileSystem, '/data/vault')).keys()]
      const swapped = paths.map((path) => `${path}.x`)
      for (const [k, path] of paths.entries()) await fileSystem.rename(path, swapped[k] as string)
      for (const [k, path] of paths.entries()) await fileSystem.rename(swapped[1 - k] as string, path)
      await again()
    },
  ],
])('%s: no use, a code that says so, and the process waits until it is set again', async (_name, code, befall) => {
  await ring.set('api', value)
  await befall()
  expect(await ring.use('api')).toBe(code)
  expect(ring.secrets.attention(ring.process())).toMatchObject([
    { what: expect.stringContaining('the secret api of a') },
  ])
  for (const { name } of ring.secrets.list(ring.process())) await ring.set(name, 'anew')
  expect([await ring.use('api'), ring.secrets.attention(ring.process())]).toEqual(['anew', []])
})

it('loses nothing by a wrong key or none: with the right one all is there again', async () => {
  await ring.set('api', value)
  await again({ VIGIL_KEY: 'b2'.repeat(32) })
  await again({})
  await again()
  expect(await ring.use('api')).toBe(value)
})

it('runs on no version that is older than the last on record: an old copy of the vault was put back', async () => {
  await ring.set('api', value)
  const [[path = '', bytes = Buffer.of()] = []] = [...(await filesOf(fileSystem, '/data/vault'))]
  await ring.set('api', 'the second one')
  for (const each of (await filesOf(fileSystem, '/data/vault')).keys()) await fileSystem.remove(each)
  const handle = await fileSystem.open(path, 'create')
  handle.write(bytes, 0)
  await handle.close()
  await again()
  expect(await ring.use('api')).toBe('SECRET_MISSING')
  expect(ring.secrets.attention(ring.process())[0]?.what).toContain('version 2 is the last on record')
  ring.secrets.look()
  await expect.poll(() => ring.told).toContainEqual(expect.stringContaining('runs nothing: the secret api of a'))
})

it('without a key keeps what is set in memory, says so, and waits for it after a restart', async () => {
  await again({})
  expect(await ring.set('api', value)).toMatchObject({ source: 'set', kept: 'memory', version: 1 })
  expect(ring.told).toContainEqual(expect.stringContaining('in memory alone'))
  expect([await ring.use('api'), [...(await filesOf(fileSystem, '/data/vault'))]]).toEqual([value, []])
  await again({})
  expect(await ring.use('api')).toBe('SECRET_MISSING')
  expect(ring.secrets.attention(ring.process())).toHaveLength(1)
})

it('uses what was set instead of what the manifest names, until a manifest takes it from elsewhere', async () => {
  await again({ ...key, API: 'of the environment', NEW: 'of another one' })
  await ring.deploy({ api: { variable: 'API' } })
  await ring.set('api', value)
  await ring.deploy({ api: { variable: 'API', hosts: ['a.test'] } })
  expect(await ring.use('api')).toBe(value)
  await ring.deploy({ api: { variable: 'NEW' } })
  expect([await ring.use('api'), status('api')?.source]).toEqual(['of another one', 'variable'])
})

test('sab_zeroed_on_revoke: also what an effect uses; a variable is not ours to empty, and nobody uses it either', async () => {
  await again({ ...key, API: 'of the environment' })
  await ring.deploy({ env: { variable: 'API' } })
  await ring.set('api', value)
  const taken = [await ring.take('api'), await ring.take('env')]
  const pages = taken.flatMap(({ secrets }) => secrets.map(({ page }) => page))
  expect(await ring.secrets.revoke(ring.process(), 'ops')).toEqual([
    { name: 'api', source: 'set' },
    { name: 'env', source: 'variable', where: 'API' },
  ])
  expect(pages.map(isZeroed)).toEqual([true, true, true, true])
  expect([await ring.use('api'), await ring.use('env')]).toEqual(['SECRET_DENIED', 'SECRET_DENIED'])
  expect([...(await filesOf(fileSystem, '/data/vault'))]).toEqual([])
  expect(status('env')).toMatchObject({ source: 'variable', revoked: { by: 'ops', expired: false } })
  await again({ ...key, API: 'of the environment' })
  expect([await ring.use('env'), ring.secrets.attention(ring.process())]).toEqual(['SECRET_DENIED', []])
  await ring.set('env', 'set anew')
  expect(await ring.use('env')).toBe('set anew')
  await expect(ring.secrets.revoke(ring.process(), 'ops', 'nope')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' })
})

it('takes away what has lived its time, on record, also when nobody looked', async () => {
  await ring.set('short', value, 1_000)
  await ring.set('long', value, 10_000)
  const { secrets: taken } = await ring.take('short')
  await clock.advance(1_000)
  expect([await ring.use('short'), await ring.use('long')]).toEqual(['SECRET_MISSING', value])
  expect(taken.filter(({ name }) => name === 'short').map(({ page }) => isZeroed(page))).toEqual([true])
  expect(typesAndData().at(-1)).toEqual(['secret.revoked', { name: 'short', version: 1, expired: true, by: 'policy' }])
  await ring.close()
  await clock.advance(60_000)
  ring = await openSecretRing(fileSystem, clock, key)
  await clock.advance(0)
  expect([await ring.use('long'), ring.secrets.attention(ring.process())]).toEqual(['SECRET_MISSING', []])
  await ring.deploy({ own: { file: '/key', ttlMs: 5_000 } })
  expect(await ring.set('own', value)).toMatchObject({ ttlMs: 5_000, expiresAt: expect.any(String) })
})

it('shows nothing but what it made itself, and to nobody without a record', async () => {
  await ring.set('api', value)
  await expect(ring.secrets.reveal(ring.process(), 'api', 'ops')).rejects.toMatchObject({ code: 'SECRET_DENIED' })
  await expect(ring.secrets.reveal(ring.process(), 'nope', 'ops')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' })
  expect(JSON.stringify(ring.secrets.list(ring.process()))).not.toContain(value)
  expect(typesAndData().map(([type]) => type)).toEqual(['secret.rotated'])
})

test.each([
  ['', 'INVALID_ARGUMENT', value],
  ['with space', 'INVALID_ARGUMENT', value],
  ['hook:/none', 'INVALID_ARGUMENT', value],
  ['empty', 'INVALID_ARGUMENT', ''],
  ['long', 'TOO_LARGE', 'x'.repeat(64_001)],
])('refuses to set %j: %s', async (name, code, bytes) => {
  await expect(ring.set(name, bytes)).rejects.toMatchObject({ code })
  expect(typesAndData()).toEqual([])
})

it('forgets all of a process that is removed, and gives nothing of it to another of its name', async () => {
  await ring.set('api', value)
  await ring.commit({ type: 'process.removed', data: { by: 'ops' } })
  await expect.poll(async () => (await filesOf(fileSystem, '/data/vault')).size).toBe(0)
  await ring.deploy()
  expect(await ring.use('api')).toBe('SECRET_MISSING')
})

const hook = {
  type: 'webhook',
  webhookPath: '/alert',
  verification: { scheme: 'standard', secrets: [] },
} as const

it('makes the signing secret of a hook that names none, once, and shows it to whoever has to sign', async () => {
  await ring.deploy({}, [hook])
  const keys = await ring.secrets.hooks.keys(ring.process(), hook)
  const { value: shown, version } = await ring.secrets.reveal(ring.process(), 'hook:/alert', 'ops')
  expect(shown).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/)
  expect(keys.map((each) => Buffer.from(each).toString('base64'))).toEqual([shown.slice('whsec_'.length)])
  expect(typesAndData()).toEqual([
    ['secret.rotated', { name: 'hook:/alert', version: 1, origin: 'generated', kept: 'sealed', by: 'policy' }],
    ['secret.revealed', { name: 'hook:/alert', version, by: 'ops' }],
  ])
  expect(ring.told).toContainEqual(expect.stringContaining('vigil secrets reveal a hook:/alert'))
  expect(ring.told.join()).not.toContain(shown)
  await again()
  expect(await ring.secrets.hooks.keys(ring.process(), hook)).toEqual(keys)
  await ring.secrets.revoke(ring.process(), 'ops', 'hook:/alert')
  expect([await ring.secrets.hooks.keys(ring.process(), hook), ring.secrets.hooks.problem(hook)]).toEqual([
    [],
    expect.stringContaining('was revoked by ops'),
  ])
  await ring.set('hook:/alert', `whsec_${Buffer.from('of the sender').toString('base64')}`)
  expect((await ring.secrets.hooks.keys(ring.process(), hook)).map(String)).toEqual(['of the sender'])
})

it('makes it anew when it was in the memory of a supervisor that has ended; nothing waits for that', async () => {
  await again({})
  await ring.deploy({}, [hook])
  const keys = await ring.secrets.hooks.keys(ring.process(), hook)
  await again({})
  expect(ring.secrets.attention(ring.process())).toEqual([])
  const others = await ring.secrets.hooks.keys(ring.process(), hook)
  expect(others.map(String)).not.toEqual(keys.map(String))
  expect(others).toHaveLength(1)
  expect(ring.told).toContainEqual(expect.stringContaining('the one before was in the memory'))
})
