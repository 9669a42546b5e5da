import type { TreeNode } from '../surface.ts'
import type { TopLevel } from './top-level.ts'
import type { ChildInput } from './tree/child-spec.ts'
import type { SupervisorStart, TreeRow } from './tree/tree.ts'

type Agent = Pick<Extract<TreeNode, { kind: 'agent' }>, 'state' | 'restarts' | 'pid'>

/** The tree as it is meant, with what there is of it. Pure. */
export function treeView(
  branches: ReturnType<TopLevel['branches']>,
  agentOf: (name: string) => Agent | undefined,
): TreeNode[] {
  return branches.flatMap(({ name, isGroup, start, rows }) =>
    isGroup
      ? [group(name, rows === undefined ? 'ended' : 'running', start, rows ?? [], agentOf)]
      : start.children.flatMap((child) => agent(child, agentOf, start)),
  )
}

function group(
  name: string,
  state: Extract<TreeNode, { kind: 'group' }>['state'],
  { flags, children }: SupervisorStart,
  rows: readonly TreeRow[],
  agentOf: (name: string) => Agent | undefined,
): TreeNode {
  const { strategy, intensity, periodMs, autoShutdown } = flags as Required<NonNullable<SupervisorStart['flags']>>
  return {
    kind: 'group',
    name,
    state,
    strategy: strategy as Exclude<typeof strategy, 'simple_one_for_one'>,
    intensity,
    periodMs,
    autoShutdown,
    children: children.flatMap((child) => {
      if (child.type !== 'supervisor') return agent(child, agentOf)
      const row = rows.find(({ id }) => id === child.id)
      const inner = row?.ref === 'restarting' ? 'restarting' : row?.ref === undefined ? 'ended' : 'running'
      return [group(child.id, inner, child.start as SupervisorStart, row?.children ?? [], agentOf)]
    }),
  }
}

function agent(
  { id, restart = 'permanent' }: ChildInput,
  agentOf: (name: string) => Agent | undefined,
  alone?: SupervisorStart,
): TreeNode[] {
  const found = agentOf(id)
  if (found === undefined) return []
  const { intensity = 0, periodMs = 0 } = alone?.flags ?? {}
  return [{ kind: 'agent', name: id, restart, ...found, ...(alone === undefined ? {} : { intensity, periodMs }) }]
}
