import { createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentHandle, type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'

const entrypoint = new URL('../fixtures/lease/lease.ts', import.meta.url)
const value = 'bytes that are only "lent"'
const sum = Buffer.from(value).reduce((all, byte) => all + byte, 0)
let folder: string
let supervisor: Supervisor
let lines: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-lease-'))
  lines = []
  writeFileSync(join(folder, 'key'), value)
  supervisor = await Supervisor.start({
    dataDir: join(folder, 'data'),
    logger: (line) => lines.push(JSON.stringify(line)),
  })
})
afterEach(async () => {
  await supervisor.stop()
  rmSync(folder, { recursive: true })
})

const spawn = async (spec: Partial<SpawnSpec> = {}): Promise<AgentHandle> => {
  const secrets = { key: { file: join(folder, 'key'), lease: true } }
  return await supervisor.spawn({ name: 'a', entrypoint, secrets, ...spec })
}

test('code holds the bytes while its function runs, and they are zero when it has settled or thrown', async () => {
  const agent = await spawn()
  expect(await agent.run({ act: 'sum' })).toEqual({ sum, isZero: true })
  expect(await agent.run({ act: 'sign' })).toBe(createHmac('sha256', value).update('text').digest('hex'))
  expect(await agent.run({ act: 'throw' })).toEqual({ thrown: { message: 'of the author' }, isZero: true })
  expect(await agent.run({ act: 'many' })).toEqual(Array.from({ length: 20 }, () => value.length))
  await supervisor.stop()
  const written = readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
  expect(written).toContain('"type":"secret.used"')
  expect(written).toContain('"name":"key","lease":true')
  for (const form of [value, JSON.stringify(value).slice(1, -1), Buffer.from(value).toString('base64')])
    expect(written.includes(form)).toBe(false)
})

test('lease_after_revoke_fails', async () => {
  const agent = await spawn()
  const turn = agent.run({ act: 'hold' })
  await until('the agent to hold it', () => lines.some((line) => line.includes('holding')))
  // A manifest that does not name it any more binds open turns at once.
  await spawn({ secrets: {} })
  expect(await turn).toMatchObject({ wasZeroed: true, again: { code: 'SECRET_DENIED' } })
})

test('bytes are zero in the hand of whoever holds them when their time to live is over, and are lent anew', async () => {
  const agent = await spawn({ secrets: { key: { file: join(folder, 'key'), lease: true, ttl: '1s' } } })
  expect(await agent.run({ act: 'hold' })).toEqual({ wasZeroed: true, again: 'got it' })
})

test('a life that follows a crash is lent the bytes again', async () => {
  const agent = await spawn({ restartBackoff: '10ms' })
  expect(await agent.run({ act: 'crash' })).toEqual({ sum })
})

test.each<[string, Partial<SpawnSpec>, Record<string, string>]>([
  ['a secret that the manifest does not have', { secrets: {} }, { code: 'SECRET_DENIED', message: 'lease: true } }' }],
  [
    'a secret that is not lent',
    { secrets: { key: { file: '/nowhere/key' } } },
    { code: 'SECRET_DENIED', message: 'add to the manifest: secrets: { key: { lease: true } }' },
  ],
  [
    'a secret that is not there',
    { secrets: { key: { file: '/nowhere/key', lease: true } } },
    { code: 'SECRET_MISSING', message: '/nowhere/key' },
  ],
])('no bytes are lent of %s', async (_name, spec, { code, message }) => {
  const agent = await spawn(spec)
  expect(await agent.run({ act: 'plain' })).toEqual({ code, message: expect.stringContaining(message as string) })
})
