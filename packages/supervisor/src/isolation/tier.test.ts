import type { MachineFacts } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { manifestFromSpec, type SpawnSpec } from '../manifests/spec.ts'
import { demandTier, permissionsOf, tierOf } from './tier.ts'

const able: MachineFacts = {
  processors: 2,
  memoryMb: 1_000,
  residentMemory: true,
  permissions: true,
  weighsThreads: true,
  cgroupMemory: false,
}
const manifest = (spec: Partial<SpawnSpec> = {}) =>
  manifestFromSpec({ name: 'a', entrypoint: '/srv/agents/a.ts', ...spec }, { baseDirectory: '/srv' })

test.each([
  ['auto', 'process'],
  ['process', 'process'],
  ['thread', 'thread'],
] as const)('isolation: %s is the tier %s for an agent that brings code', (isolation, tier) => {
  expect(tierOf(manifest({ isolation }), able).isolation).toBe(tier)
})

test.each([
  ['auto', 'thread'],
  ['process', 'process'],
] as const)('isolation: %s is the tier %s for an agent that brings none', (isolation, tier) => {
  const found = manifestFromSpec({ name: 'a', model: 'sim:echo', isolation }, { baseDirectory: '/srv' })
  expect(tierOf(found, able).isolation).toBe(tier)
  expect(found.evictable).toBe(true)
})

test('the bound of a stop is the sum of its rungs', () => {
  expect(tierOf(manifest({ shutdownTimeout: '3s' }), able).stopBoundMs).toBe(3_000 + 1_000 + 500 + 1_000)
})

test('a guarantee names what was granted instead of denying it', () => {
  const { guarantee } = tierOf(manifest({ permissions: { fsRead: ['models'] } }), able)
  expect(guarantee).toContain(
    'isolation; no network, no child processes, no addons, no inspector; past the gate it may: read /srv/models (',
  )
})

test.each([{ childProcess: true }, { addons: true }])(
  'with %j it denies nothing that other programs may do',
  (permissions) => {
    const { guarantee } = tierOf(manifest({ permissions }), able)
    expect(guarantee).toContain('isolation; no inspector; past the gate it may: ')
    expect(guarantee).toContain('what it starts or loads may do all that the user of the supervisor may')
  },
)

test('permissions reach the launcher only when there are any', () => {
  expect(permissionsOf(manifest())).toBeUndefined()
  expect(permissionsOf(manifest({ permissions: { addons: true, fsRead: ['/lib'] } }))).toEqual({
    rawNetwork: false,
    fsRead: ['/lib'],
    fsWrite: [],
    childProcess: false,
    addons: '/srv/agents/a.ts',
  })
})

describe('a machine that cannot give all of it', () => {
  const cases: [string, Partial<MachineFacts>, 'process' | 'thread', RegExp][] = [
    ['no /proc', { residentMemory: false }, 'process', /memory limits/],
    ['no denial of the network', { permissions: false }, 'process', /--allow-net/],
    ['threads that cannot be weighed', { weighsThreads: false }, 'thread', /getHeapStatistics/],
  ]
  test.each(cases)('%s: refused, unless the manifest says degrade', (_name, lacks, isolation, words) => {
    const machine = { ...able, ...lacks }
    expect(() => demandTier(manifest({ isolation }), machine)).toThrow(
      expect.objectContaining({ code: 'GUARANTEE_UNAVAILABLE', message: expect.stringMatching(words) }),
    )
    const degraded = manifest({ isolation, degrade: true })
    expect(() => demandTier(degraded, machine)).not.toThrow()
    expect(tierOf(degraded, machine).guarantee).toMatch(/^degraded, without /)
  })

  test('what a tier does not need may lack', () => {
    expect(() => demandTier(manifest(), { ...able, weighsThreads: false })).not.toThrow()
  })
})
