import type { Clock, ExitCause, Random } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import { type Branch, branch, type Supervised } from './branch.ts'
import type { Groups, Place } from './groups.ts'
import type { Report } from './tree/protocol.ts'
import type { Path, SupervisorStart, TreeRow } from './tree/tree.ts'

/** An agent as the top level deals with it. */
export interface Standing extends Supervised {
  /** Its supervisor gave up. */
  park(reason: string): void
  /** Its group ended in good order. */
  finish(): void
}

/**
 * The root of the tree. Its branches start side by side and share no fate: one that gives up has its agents parked, and that
 * is told, but ring 0 goes on.
 */
export interface TopLevel {
  placeOf(agent: string): Place & { readonly of: Branch }
  /** The manifest of this agent is new, has changed, or is gone. */
  changed(agent: string): void
  begin(): void
  /** Stops all; resolves when nobody lives. */
  end(): Promise<void>
  /** Each branch with what it is to be and what there is of it. */
  branches(): readonly {
    readonly name: string
    readonly isGroup: boolean
    readonly start: SupervisorStart
    /** Undefined while it has no tree. */
    readonly rows: readonly TreeRow[] | undefined
  }[]
}

export interface TopLevelParts {
  readonly clock: Clock
  readonly random: Random
  readonly groups: Groups
  readonly agents: () => Iterable<string>
  readonly agent: (name: string) => Standing | undefined
  readonly manifestOf: (name: string) => Manifest | undefined
  readonly report: (supervisor: string, report: Report) => void
  readonly gaveUp: (supervisor: string, reason: string) => void
}

export function topLevel(parts: TopLevelParts): TopLevel {
  const { groups, manifestOf } = parts
  const branches = new Map<string, Branch>()

  const nameOf = (name: string, path: Path): string => [name.slice(name.indexOf(' ') + 1), ...path].join('/')

  const grow = (name: string): Branch => {
    const known = branches.get(name)
    if (known !== undefined) return known
    const { clock, random, agent } = parts
    const made = branch(
      {
        isImplicit: name.startsWith('agent '),
        clock,
        random,
        agent,
        report: (path, report) => parts.report(nameOf(name, path), report),
        gaveUp: (path, cause) => gaveUp(name, path, cause),
      },
      groups.startOf(name, manifestOf),
    )
    branches.set(name, made)
    return made
  }

  const under = (name: string, path: Path): Standing[] =>
    [...parts.agents()].flatMap((agent) => {
      const place = groups.placeOf(agent)
      const isUnder = place.branch === name && path.every((id, depth) => place.path[depth] === id)
      return isUnder ? (parts.agent(agent) ?? []) : []
    })

  const gaveUp = (name: string, path: Path, cause: ExitCause): void => {
    const supervisor = nameOf(name, path)
    if (cause.kind === 'shutdown' && cause.hint === 'auto_shutdown') {
      parts.gaveUp(supervisor, 'its work is done (auto_shutdown)')
      for (const agent of under(name, path)) agent.finish()
      return
    }
    const { flags } = groups.startOf(name, manifestOf)
    const reason = `more than ${flags?.intensity} restarts within ${(flags?.periodMs ?? 0) / 1_000} s alive`
    const isGroup = name.startsWith('group ')
    // The supervisor above starts it again, or gives up too.
    if (path.length > 0) return parts.gaveUp(supervisor, 'too many restarts; the group above decides')
    if (isGroup) parts.gaveUp(supervisor, reason)
    for (const agent of under(name, path)) agent.park(isGroup ? `group ${supervisor}: ${reason}` : reason)
  }

  for (const name of groups.branches) grow(name)

  return {
    placeOf(agent) {
      const place = groups.placeOf(agent)
      return { ...place, of: grow(place.branch) }
    },
    changed(agent) {
      const { branch: name } = groups.placeOf(agent)
      if (manifestOf(agent) === undefined && name.startsWith('agent ')) return void branches.delete(name)
      branches.get(name)?.configure(groups.startOf(name, manifestOf))
    },
    begin() {
      for (const each of branches.values()) each.begin()
    },
    async end() {
      await Promise.all([...branches.values()].map((each) => each.end()))
    },
    branches: () =>
      [...branches].map(([name, each]) => ({
        name: name.slice(name.indexOf(' ') + 1),
        isGroup: name.startsWith('group '),
        start: groups.startOf(name, manifestOf),
        rows: each.rows(),
      })),
  }
}
