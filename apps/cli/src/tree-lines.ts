import type { TreeNodeView } from '@vigil/protocol'

/** The tree as people read it: a line for each group and each agent, drawn from the left. Pure. */
export function treeLines(nodes: readonly TreeNodeView[], indent = ''): string[] {
  return nodes.flatMap((node, index) => {
    const isLast = index === nodes.length - 1
    const [branch, below] = indent === '' ? ['', ' '] : isLast ? ['└─ ', '   '] : ['├─ ', '│  ']
    // The first column is empty, so that the top level stands at the margin and everything below it is indented.
    const here = indent === '' ? '' : indent.slice(1)
    const line = `${here}${branch}${node.name}  ${words(node).join(', ')}`
    return node.kind === 'group' ? [line, ...treeLines(node.children, indent === '' ? ' ' : indent + below)] : [line]
  })
}

const limit = (restarts: number, periodMs: number): string => `${restarts} restarts in ${periodMs / 1_000} s`

function words(node: TreeNodeView): string[] {
  if (node.kind === 'group') {
    const shutdown = node.auto_shutdown === 'never' ? [] : [`ends with ${node.auto_shutdown}`]
    return [node.state, node.strategy, limit(node.intensity, node.period_ms), ...shutdown]
  }
  return [
    node.state,
    node.restart,
    ...(node.intensity === undefined ? [] : [limit(node.intensity, node.period_ms ?? 0)]),
    ...(node.restarts === 0 ? [] : [`restarted ${node.restarts === 1 ? 'once' : `${node.restarts} times`}`]),
    ...(node.pid === undefined ? [] : [`pid ${node.pid}`]),
  ]
}
