import { VigilError } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import type { ChildInput, SupervisorFlags } from './tree/child-spec.ts'
import type { Path, SupervisorStart } from './tree/tree.ts'

/** A supervisor of one's own making, over agents and other groups. */
export interface Group {
  readonly name: string
  readonly strategy: Exclude<SupervisorFlags['strategy'], 'simple_one_for_one'>
  readonly intensity: number
  readonly periodMs: number
  /** The group ends when any, or the last, of its agents that may end for good has done so. */
  readonly autoShutdown: SupervisorFlags['autoShutdown']
  /** Agents and groups, in the order of their start. */
  readonly children: readonly string[]
  /** The group that this one stands under, behind the children that are named there. */
  readonly parent?: string
}

/** Where an agent stands: the supervisor of the top level, and its place below. */
export interface Place {
  /** `group NAME`, or `agent NAME` for one that stands alone. */
  readonly branch: string
  readonly path: Path
}

export interface Groups {
  /** Names of branches that are there whether or not an agent is. */
  readonly branches: readonly string[]
  placeOf(agent: string): Place
  /** What the branch is to be, given what is known of the agents. */
  startOf(branch: string, manifestOf: (agent: string) => Manifest | undefined): SupervisorStart
}

/** After its own ladder of drain, ask and kill: more than that, and the branch kills. */
const ladderMs = 3_000
const backoffCapMs = 60_000

/** @throws INVALID_CONFIG for names that come twice, parents that are none, and circles */
export function groupsOf(groups: readonly Group[]): Groups {
  const byName = new Map<string, Group>()
  for (const group of groups) {
    if (byName.has(group.name)) refuse(group.name, 'a name of its own', `a second group "${group.name}"`)
    byName.set(group.name, group)
  }
  const childrenOf = (group: Group): string[] => [
    ...new Set([...group.children, ...groups.filter(({ parent }) => parent === group.name).map(({ name }) => name)]),
  ]
  const above = new Map<string, Group>()
  for (const group of groups) {
    if (group.parent !== undefined && !byName.has(group.parent))
      refuse(group.name, 'the name of a group as parent', `"${group.parent}"`)
    for (const child of childrenOf(group)) {
      const other = above.get(child) ?? byName.get(byName.get(child)?.parent ?? group.name)
      if (other !== undefined && other !== group)
        refuse(group.name, 'children that stand nowhere else', `"${child}", which is in "${other.name}" too`)
      above.set(child, group)
    }
  }
  const pathOf = (name: string): string[] => {
    const path = [name]
    for (let group = above.get(name); group !== undefined; group = above.get(group.name)) {
      if (path.includes(group.name)) refuse(group.name, 'a parent outside of itself', path.join(' in '))
      path.unshift(group.name)
    }
    return path
  }
  for (const { name } of groups) pathOf(name)

  const startOfGroup = (group: Group, manifestOf: (agent: string) => Manifest | undefined): SupervisorStart => {
    const children = childrenOf(group).flatMap((name): ChildInput[] => {
      const inner = byName.get(name)
      if (inner !== undefined) return [supervisorChild(inner, startOfGroup(inner, manifestOf))]
      const manifest = manifestOf(name)
      return manifest === undefined ? [] : [worker(manifest, group.autoShutdown !== 'never')]
    })
    const { strategy, intensity, periodMs, autoShutdown } = group
    return { flags: { strategy, intensity, periodMs, autoShutdown, firstStart: 'is_retried' }, children }
  }

  return {
    branches: groups.filter(({ name }) => !above.has(name)).map(({ name }) => `group ${name}`),
    placeOf(agent) {
      const [top = agent, ...path] = pathOf(agent)
      return path.length === 0 ? { branch: `agent ${agent}`, path: [agent] } : { branch: `group ${top}`, path }
    },
    startOf(branch, manifestOf) {
      const name = branch.slice(branch.indexOf(' ') + 1)
      const group = branch.startsWith('group ') ? byName.get(name) : undefined
      if (group !== undefined) return startOfGroup(group, manifestOf)
      const manifest = manifestOf(name)
      return manifest === undefined ? { children: [] } : implicit(manifest)
    },
  }
}

/** The supervisor of an agent that stands alone counts as its manifest says. */
const implicit = (manifest: Manifest): SupervisorStart => ({
  flags: { intensity: manifest.maxRestarts, periodMs: manifest.restartWindowMs, firstStart: 'is_retried' },
  children: [worker(manifest, false)],
})

const restarts = { always: 'permanent', on_failure: 'transient', never: 'temporary' } as const

const worker = (manifest: Manifest, mayEndGroup: boolean): ChildInput => ({
  id: manifest.name,
  restart: restarts[manifest.restartPolicy],
  shutdown: manifest.shutdownTimeoutMs + ladderMs,
  significant: mayEndGroup && manifest.restartPolicy !== 'always',
  backoff: { baseMs: manifest.restartBackoffMs, maxMs: backoffCapMs, stableMs: manifest.stableAfterMs },
  start: manifest.name,
})

/** A group that ends by itself has ended in good order, and its parent must not bring it back. */
const supervisorChild = ({ name, autoShutdown }: Group, start: SupervisorStart): ChildInput => ({
  id: name,
  type: 'supervisor',
  restart: autoShutdown === 'never' ? 'permanent' : 'transient',
  start,
})

function refuse(group: string, expected: string, found: string): never {
  throw new VigilError('INVALID_CONFIG', `groups.${group}: expected ${expected}, found ${found}`)
}
