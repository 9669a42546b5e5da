import { type ExitCause, errorBody, VigilError } from '@vigil/protocol'
import { type ChildInput, type ChildSpec, checkChildren, checkFlags, type FlagsInput } from './child-spec.ts'
import type { Numbers } from './lifecycle.ts'
import type { Action, ChildRow, Input, Reply, Report, Request } from './protocol.ts'
import { countFromOne, type SupervisorMachine, supervisorMachine } from './supervisor.ts'

/** What a child of type supervisor is started from. */
export interface SupervisorStart {
  readonly flags?: FlagsInput
  readonly children: readonly ChildInput[]
}

/** Ids from the root down; the root is the empty path. */
export type Path = readonly string[]

export type TreeInput =
  | Exclude<Input, { type: 'call' | 'begin' | 'end' }>
  | { readonly type: 'begin' }
  | { readonly type: 'end' }
  | { readonly type: 'call'; readonly call: number; readonly path: Path; readonly request: Request }

/** Starts and stops are of workers alone: what becomes of supervisors is settled in here. */
export type TreeAction =
  | Extract<Action, { do: 'stop' | 'arm' | 'disarm' | 'reply' | 'up' | 'down' }>
  | (Extract<Action, { do: 'start' }> & { readonly path: Path })
  | { readonly do: 'report'; readonly supervisor: Path; readonly report: Report }
  /** As a supervisor says it; the path is that of the child. */
  | { readonly do: 'restarting'; readonly path: Path; readonly ms: number }
  /** A supervisor has ended; nobody had asked it to. */
  | { readonly do: 'gave_up'; readonly path: Path; readonly cause: ExitCause }

export interface TreeRow extends ChildRow {
  readonly children?: readonly TreeRow[]
}

/**
 * Supervisors under supervisors, as one pure machine. A supervisor that gives up is a child that ended, for the one
 * above it; when that starts it again it has the children of its specification, and none that were added later.
 */
export interface SupervisionTree {
  handle(input: TreeInput, at: number): TreeAction[]
  rows(): TreeRow[]
  /** The supervisor at a path. */
  at(path: Path): SupervisorMachine | undefined
}

interface Node {
  readonly machine: SupervisorMachine
  readonly path: Path
  /** Its life under its own supervisor; undefined for the root. */
  readonly ref: number | undefined
  readonly parent: Node | undefined
  isUp: boolean
  wasAsked: boolean
}

/** @throws INVALID_ARGUMENT for a specification anywhere in the tree that cannot be */
export function supervisionTree(
  { flags = {}, children }: SupervisorStart,
  numbers: Numbers = countFromOne(),
): SupervisionTree {
  checkTree([], { flags, children })
  /** Supervisors by their lives, and who waits for news of a worker or a timer. */
  const nodes = new Map<number, Node>()
  const owners = new Map<number, Node>()
  let actions: TreeAction[] = []
  let now = 0

  const grow = (start: SupervisorStart, place: Pick<Node, 'path' | 'ref' | 'parent'>): Node => ({
    machine: supervisorMachine(start.flags ?? {}, start.children, numbers),
    ...place,
    isUp: false,
    wasAsked: false,
  })
  const root = grow({ flags, children }, { path: [], ref: undefined, parent: undefined })

  /** News for a supervisor, and all that follows from it here; a queue, because the depth of a tree is anybody's choice. */
  const news: { readonly node: Node; readonly input: Input }[] = []
  const tell = (node: Node, input: Input): void => void news.push({ node, input })
  const settle = (): void => {
    for (let each = news.shift(); each !== undefined; each = news.shift())
      for (const action of each.node.machine.handle(each.input, now)) perform(each.node, action)
  }

  const perform = (node: Node, action: Action): void => {
    switch (action.do) {
      case 'start':
        return start(node, action)
      case 'stop':
        return stop(action)
      case 'arm':
        owners.set(action.timer, node)
        break
      case 'disarm':
        owners.delete(action.timer)
        break
      case 'restarting':
        return void actions.push({ do: 'restarting', path: [...node.path, action.id], ms: action.ms })
      case 'report':
        return void actions.push({ do: 'report', supervisor: node.path, report: action.report })
      case 'up':
        node.isUp = true
        if (node.ref !== undefined && node.parent !== undefined)
          return tell(node.parent, { type: 'started', ref: node.ref })
        break
      case 'down':
        return down(node, action.cause)
      default:
    }
    actions.push(action)
  }

  const start = (node: Node, action: Extract<Action, { do: 'start' }>): void => {
    const path = [...node.path, action.id]
    if (action.child.type === 'worker') {
      owners.set(action.ref, node)
      return void actions.push({ ...action, path })
    }
    const child = grow(action.child.start as SupervisorStart, { path, ref: action.ref, parent: node })
    nodes.set(action.ref, child)
    tell(child, { type: 'begin' })
  }

  const stop = (action: Extract<Action, { do: 'stop' }>): void => {
    const child = nodes.get(action.ref)
    if (child === undefined) return void actions.push(action)
    child.wasAsked = true
    tell(child, { type: 'end', how: action.how })
  }

  const down = (node: Node, cause: ExitCause): void => {
    if (!node.wasAsked && node.isUp) actions.push({ do: 'gave_up', path: node.path, cause })
    if (node.ref === undefined || node.parent === undefined) return void actions.push({ do: 'down', cause })
    nodes.delete(node.ref)
    tell(node.parent, { type: node.isUp ? 'exited' : 'failed', ref: node.ref, cause })
  }

  const nodeAt = (path: Path): Node | undefined => {
    let node: Node | undefined = root
    for (const id of path) {
      const ref: ChildRow['ref'] = node?.machine.children().find((row) => row.id === id)?.ref
      node = typeof ref === 'number' ? nodes.get(ref) : undefined
    }
    return node
  }

  const route = (input: TreeInput): void => {
    switch (input.type) {
      case 'begin':
        return tell(root, input)
      case 'end':
        root.wasAsked = true
        return tell(root, input)
      case 'call': {
        const node = nodeAt(input.path)
        const reply: Reply = { ok: false, error: 'noproc' }
        if (node === undefined) return void actions.push({ do: 'reply', call: input.call, reply })
        const problem = problemOf(input)
        if (problem !== undefined) return void actions.push({ do: 'reply', call: input.call, reply: problem })
        return tell(node, { type: 'call', call: input.call, request: input.request })
      }
      case 'elapsed': {
        const owner = owners.get(input.timer)
        owners.delete(input.timer)
        return owner && tell(owner, input)
      }
      default: {
        const owner = owners.get(input.ref)
        if (input.type !== 'started') owners.delete(input.ref)
        return owner && tell(owner, input)
      }
    }
  }

  const rowsOf = (machine: SupervisorMachine): TreeRow[] =>
    machine.children().map((row) => {
      const node = typeof row.ref === 'number' ? nodes.get(row.ref) : undefined
      return node === undefined ? row : { ...row, children: rowsOf(node.machine) }
    })

  return {
    handle(input, at) {
      now = at
      route(input)
      settle()
      const wanted = actions
      actions = []
      return wanted
    },
    rows: () => rowsOf(root.machine),
    at: (path) => nodeAt(path)?.machine,
  }
}

/** A supervisor that is added is checked with all that stands under it; its own keys are the machine's affair. */
function problemOf({ path, request }: Extract<TreeInput, { type: 'call' }>): Reply | undefined {
  if (request.ask !== 'start_child' || request.child.type !== 'supervisor') return undefined
  try {
    checkSupervisor(path, { restart: 'permanent', ...request.child })
    return undefined
  } catch (error) {
    return { ok: false, error: 'invalid', message: errorBody(error).message }
  }
}

function checkTree(path: Path, start: SupervisorStart): void {
  const flags = checkFlags(start.flags ?? {})
  for (const child of checkChildren(start.children, flags))
    if (child.type === 'supervisor') checkSupervisor(path, child)
}

function checkSupervisor(path: Path, child: Pick<ChildSpec, 'id' | 'restart' | 'start'>): void {
  const start = child.start as SupervisorStart
  const here = [...path, child.id]
  checkTree(here, start)
  const mode = start.flags?.autoShutdown ?? 'never'
  if (mode !== 'never' && child.restart === 'permanent')
    throw new VigilError(
      'INVALID_ARGUMENT',
      `${here.join('/')}: expected transient or temporary, because it ends by itself (${mode}), found permanent`,
    )
}
