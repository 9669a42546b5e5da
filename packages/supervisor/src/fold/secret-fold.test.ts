import type { JournalRecord } from '@vigil/protocol'
import { expect, test } from 'vitest'
import type { AgentSecret, Manifest } from '../manifests/manifest.ts'
import { packRow, unpackRow } from './packed-row.ts'
import { applyRecord, type World } from './world.ts'

const at = '2026-01-01T00:00:00.000Z'
const hook = { type: 'webhook', webhookPath: '/alert', verification: { scheme: 'standard', secrets: [] } } as const

function world(secrets: Record<string, AgentSecret> = {}, triggers: Manifest['triggers'] = []) {
  const folds: World = new Map()
  const put = (type: string, data: object): void =>
    applyRecord(folds, { process: 'a', epoch: 1, at, seq: 1, n: 1, type, data } as unknown as JournalRecord)
  const deploy = (own: Record<string, AgentSecret> | undefined, listens: Manifest['triggers'] = triggers): void =>
    put('process.deployed', {
      ...{ revision: 1, bundle: 'b1', by: 'program' },
      manifest: {
        name: 'a',
        context: { initialState: {} },
        triggers: listens,
        ...(own === undefined ? {} : { secrets: own }),
      },
    })
  deploy(secrets)
  const laid = () => Object.fromEntries(folds.get('a')?.secrets ?? [])
  return { folds, put, deploy, laid }
}
const set = (name: string, version: number, more: object = {}) => ({
  ...{ name, version, origin: 'set', kept: 'sealed', by: 'ops' },
  ...more,
})

test('a rotation is the last version; a revocation ends it, and the next rotation ends that', () => {
  const { put, laid } = world()
  put('secret.rotated', set('api', 1, { expires_at: 'later' }))
  expect(laid()).toEqual({ api: { version: 1, at, origin: 'set', kept: 'sealed', expiresAt: 'later' } })
  put('secret.revoked', { name: 'api', version: 1, by: 'ops' })
  expect(laid()['api']?.revoked).toEqual({ at, by: 'ops', expired: false })
  put('secret.rotated', set('api', 2, { kept: 'memory' }))
  expect(laid()).toEqual({ api: { version: 2, at, origin: 'set', kept: 'memory' } })
  put('secret.revoked', { name: 'api', version: 2, expired: true, by: 'policy' })
  expect(laid()['api']?.revoked?.expired).toBe(true)
})

test('what lies in a manifest is revoked without a version', () => {
  const { put, laid } = world({ api: { variable: 'API' } })
  put('secret.revoked', { name: 'api', version: 0, by: 'ops' })
  expect(laid()).toMatchObject({ api: { version: 0, origin: 'manifest', revoked: { by: 'ops' } } })
})

test.each<[string, AgentSecret | undefined, boolean]>([
  ['the same', { variable: 'API' }, true],
  ['other hosts and another ttl', { variable: 'API', hosts: ['a.test'], ttlMs: 1, lease: true }, true],
  ['another variable', { variable: 'NEW' }, false],
  ['another default', { variable: 'API', fallback: 'x' }, false],
  ['a file', { file: '/key' }, false],
  ['nothing', undefined, false],
])('a manifest with %s lays what was set aside or not', (_name, next, stays) => {
  const { put, deploy, laid } = world({ api: { variable: 'API' } })
  put('secret.rotated', set('api', 1))
  put('secret.rotated', set('named by nobody', 1))
  deploy(next === undefined ? undefined : { api: next })
  expect(Object.keys(laid())).toEqual(stays ? ['api', 'named by nobody'] : ['named by nobody'])
})

test('what was made for a hook goes with it', () => {
  const { put, deploy, laid } = world({}, [hook])
  put('secret.rotated', set('hook:/alert', 1, { origin: 'generated' }))
  deploy({})
  expect(Object.keys(laid())).toEqual(['hook:/alert'])
  deploy({}, [{ ...hook, verification: { scheme: 'standard', secrets: [{ variable: 'ALERT' }] } }])
  expect(laid()).toEqual({})
})

test('the last use of each secret is known, as long as there is one of that name; a checkpoint gives all back', () => {
  const { folds, put, deploy } = world({ api: { variable: 'API' } })
  put('secret.used', { key: 'k', name: 'api', host: 'a.test' })
  put('secret.used', { key: 'k', name: 'api', host: 'b.test' })
  put('secret.rotated', set('other', 1))
  const fold = folds.get('a')
  expect([...(fold?.secretUses ?? [])]).toEqual([['api', { at, host: 'b.test' }]])
  if (fold !== undefined) expect(unpackRow(Buffer.concat([...packRow(fold, 1)])).process).toEqual(fold)
  deploy({})
  expect(fold?.secretUses.size).toBe(0)
})
