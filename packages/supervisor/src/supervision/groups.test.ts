import { expect, test } from 'vitest'
import type { Manifest } from '../manifests/manifest.ts'
import { type Group, groupsOf } from './groups.ts'

const group = (name: string, children: string[], over: Partial<Group> = {}): Group => ({
  name,
  strategy: 'one_for_one',
  intensity: 3,
  periodMs: 60_000,
  autoShutdown: 'never',
  children,
  ...over,
})
const manifestOf = (name: string): Manifest =>
  ({
    name,
    restartPolicy: 'on_failure',
    maxRestarts: 3,
    restartWindowMs: 60_000,
    restartBackoffMs: 1_000,
    stableAfterMs: 60_000,
    shutdownTimeoutMs: 10_000,
  }) as Manifest

test('an agent in no group stands under a supervisor of its own, which counts as its manifest says', () => {
  const groups = groupsOf([])
  expect(groups.placeOf('a')).toEqual({ branch: 'agent a', path: ['a'] })
  expect(groups.startOf('agent a', manifestOf)).toMatchObject({
    flags: { intensity: 3, periodMs: 60_000 },
    children: [{ id: 'a', restart: 'transient', shutdown: 13_000, backoff: { baseMs: 1_000 } }],
  })
})

test('groups stand under groups, in the order that was written; who names a parent comes behind', () => {
  const groups = groupsOf([
    group('all', ['a', 'inner', 'b'], { strategy: 'rest_for_one' }),
    group('inner', ['c'], { autoShutdown: 'any_significant' }),
    group('late', ['d'], { parent: 'all' }),
  ])
  expect(groups.branches).toEqual(['group all'])
  expect(groups.placeOf('c')).toEqual({ branch: 'group all', path: ['inner', 'c'] })
  const { children } = groups.startOf('group all', manifestOf)
  expect(children.map(({ id }) => id)).toEqual(['a', 'inner', 'b', 'late'])
  expect(children[1]).toMatchObject({
    type: 'supervisor',
    restart: 'transient',
    start: { children: [{ significant: true }] },
  })
})

test('who is not deployed has no place yet', () => {
  const groups = groupsOf([group('g', ['a', 'b'])])
  const known = (name: string) => (name === 'b' ? manifestOf(name) : undefined)
  expect(groups.startOf('group g', known).children.map(({ id }) => id)).toEqual(['b'])
})

test.each([
  [[group('g', []), group('g', [])], /a name of its own, found a second group "g"/],
  [[group('g', [], { parent: 'h' })], /the name of a group as parent, found "h"/],
  [[group('g', ['a']), group('h', ['a'])], /children that stand nowhere else, found "a", which is in "g" too/],
  [[group('g', ['h']), group('h', []), group('i', ['h'])], /which is in "g" too/],
  [[group('g', ['h']), group('h', [], { parent: 'i' }), group('i', [])], /which is in "i" too/],
  [[group('g', ['h']), group('h', ['g'])], /a parent outside of itself/],
  [[group('g', ['g'])], /a parent outside of itself/],
])('groups that cannot be: %#', (groups, message) => {
  expect(() => groupsOf(groups)).toThrow(message)
})
