import { VigilError } from '@vigil/protocol'
import type { TreeNode } from '@vigil/supervisor'
import type { Caller } from './callers.ts'
import type { RuntimeSurface } from './runtime-surface.ts'

/** The supervisor as a caller may see it: what its token does not select is not there. */
export function seenBy(s: RuntimeSurface, { name: caller, select }: Caller): RuntimeSurface {
  const wanted = Object.entries(select)
  if (wanted.length === 0) return s
  const list = () =>
    s.list().filter((agent) => {
      const { labels } = agent.status()
      return wanted.every(([key, value]) => labels[key] === value)
    })
  const isThere = (name: string): boolean => list().some((agent) => agent.name === name)
  const get = (name: string) => {
    if (!isThere(name)) throw new VigilError('PROCESS_NOT_FOUND', `no process is called "${name}"`)
    return s.get(name)
  }
  const requests: RuntimeSurface['requests'] = async (query) =>
    (await s.requests(query)).filter(({ process }) => isThere(process))
  const doubts = async () => (await s.doubts()).filter(({ process }) => isThere(process))
  return {
    get,
    list,
    requests,
    doubts,
    tree: () => s.tree().flatMap((node) => pruned(node, isThere)),
    async decide(id, decision, by) {
      const open = (await s.requests()).find((request) => request.id === id)
      if (open !== undefined && !isThere(open.process))
        throw new VigilError('REQUEST_NOT_FOUND', `there is no request ${id}`)
      await s.decide(id, decision, by)
    },
    async resolveDoubt(id, decision) {
      if (!(await doubts()).some((doubt) => doubt.id === id))
        throw new VigilError('DOUBT_NOT_FOUND', `there is no doubt ${id}; it may have been resolved`)
      await s.resolveDoubt(id, decision)
    },
    publish() {
      // Whoever subscribes gets it, whatever its labels.
      throw new VigilError('ROLE_DENIED', `expected a token for the whole fleet, found "${caller}", which selects`)
    },
    confirmClock() {
      throw new VigilError('ROLE_DENIED', `expected a token for the whole fleet, found "${caller}", which selects`)
    },
    models: ({ isWanted, ...options } = {}) =>
      s.models({ ...options, isWanted: (name) => isThere(name) && isWanted?.(name) !== false }),
    spend: (isWanted) => s.spend((name) => isThere(name) && isWanted?.(name) !== false),
    guardPort: (port, options) => s.guardPort(port, options),
    deliverHook: (request) => s.deliverHook(request),
    report: { ...s.report, processes: s.report.processes.filter(({ name }) => isThere(name)) },
    ready: s.ready,
    space: s.space,
    damaged: s.damaged,
    dataDir: s.dataDir,
  }
}

function pruned(node: TreeNode, isThere: (name: string) => boolean): TreeNode[] {
  if (node.kind === 'agent') return isThere(node.name) ? [node] : []
  const children = node.children.flatMap((child) => pruned(child, isThere))
  return children.length === 0 ? [] : [{ ...node, children }]
}
