import type { Clock, ExitCause, Random, Timer } from '@vigil/protocol'
import type { ChildInput } from './tree/child-spec.ts'
import type { Reply, Report, Request } from './tree/protocol.ts'
import { countFromOne } from './tree/supervisor.ts'
import {
  type Path,
  type SupervisionTree,
  type SupervisorStart,
  supervisionTree,
  type TreeAction,
  type TreeInput,
  type TreeRow,
} from './tree/tree.ts'

/** What a branch starts and stops: an agent, which has one life after the other. */
export interface Supervised {
  /** Answers by `started`, `ignored` or `exited`. Who sleeps while there was no tree sleeps on. */
  begin(ref: number): void
  /** Ends that life; `kill` asks nobody. Answers by `exited`, or by `ignored` if there was none yet. */
  end(ref: number, how: 'ask' | 'kill'): void
}

/**
 * One supervisor of the top level and all that stands under it: does what the pure tree says and tells it what became of
 * it. Nothing goes up from here: when it gives up its agents are told, and the next start begins with a new tree, which
 * has counted nothing yet.
 */
export interface Branch {
  /** Undefined while it is not begun, has ended, or was given up. */
  rows(): readonly TreeRow[] | undefined
  /** The agent's life, that it waits for its next one, or that it has none. */
  place(path: Path): TreeRow['ref']
  /** Starts all that stand in it. */
  begin(): void
  /** Gives it a life now, if it has none; a wait for the next one is over. */
  bring(path: Path): void
  /** Takes its life; resolves when it is gone. */
  dismiss(path: Path): Promise<void>
  /** Stops all, the last first; resolves when nobody lives. */
  end(): Promise<void>
  started(ref: number): void
  ignored(ref: number): void
  /** A life is over. `record` puts it on record before anything follows from it; undefined: no restart follows at once. */
  exited(ref: number, cause: ExitCause, record: (restartInMs: number | undefined) => void): void
  /**
   * Its agent has slept for so long that nothing which was counted would count now: the tree of an agent that stands alone
   * is given up until it is asked for, because most agents sleep most of the time. Answers whether it was.
   */
  cool(): boolean
  /** Other flags and children, as of the next decision. */
  configure(start: SupervisorStart): void
}

export interface BranchParts {
  /** It is there for one agent that stands alone. */
  readonly isImplicit: boolean
  readonly clock: Clock
  readonly random: Random
  readonly agent: (name: string) => Supervised | undefined
  readonly report: (supervisor: Path, report: Report) => void
  /** A supervisor in it, or with the empty path all of it, has ended and nobody had asked. */
  readonly gaveUp: (path: Path, cause: ExitCause) => void
}

interface News {
  readonly input: TreeInput
  readonly decided?: (actions: readonly TreeAction[]) => void
}

export function branch(parts: BranchParts, specification: SupervisorStart): Branch {
  const { clock, random } = parts
  let start = specification
  let tree: SupervisionTree | undefined
  /** It was given up, and whoever asks grows a new one. */
  let isCold = false
  /** Counted on from tree to tree: an answer that was meant for an earlier one must find nobody. */
  const numbers = countFromOne()
  let asked = false
  let calls = 0
  const places = new Map<number, { readonly name: string; readonly path: Path }>()
  const timers = new Map<number, Timer>()
  const replies = new Map<number, (reply: Reply) => void>()
  const ends: (() => void)[] = []

  /** What is done may be answered at once: the answer waits until all that was decided is done. */
  const news: News[] = []
  let busy = false
  const tell = (input: TreeInput, decided?: News['decided']): void => {
    news.push(decided === undefined ? { input } : { input, decided })
    if (busy) return
    busy = true
    try {
      for (let each = news.shift(); each !== undefined; each = news.shift()) {
        const actions = tree?.handle(each.input, clock.monotonic()) ?? unheard(each.input)
        each.decided?.(actions)
        for (const action of actions) perform(action)
      }
    } finally {
      busy = false
    }
  }

  const perform = (action: TreeAction): void => {
    switch (action.do) {
      case 'start': {
        const name = action.path.at(-1) ?? ''
        places.set(action.ref, { name, path: action.path })
        const agent = parts.agent(name)
        return agent === undefined ? tell({ type: 'ignored', ref: action.ref }) : agent.begin(action.ref)
      }
      case 'stop':
        return parts.agent(places.get(action.ref)?.name ?? '')?.end(action.ref, action.how)
      case 'arm': {
        const { timer } = action
        const fire = (): void => {
          timers.delete(timer)
          tell({ type: 'elapsed', timer })
        }
        return void timers.set(timer, clock.setTimer(action.ms, fire))
      }
      case 'disarm':
        timers.get(action.timer)?.cancel()
        return void timers.delete(action.timer)
      case 'reply':
        replies.get(action.call)?.(action.reply)
        return void replies.delete(action.call)
      case 'report':
        return parts.report(action.supervisor, action.report)
      case 'gave_up':
        return action.path.length > 0 ? parts.gaveUp(action.path, action.cause) : undefined
      case 'down':
        return down(action.cause)
      default:
    }
  }

  const down = (cause: ExitCause): void => {
    tree = undefined
    places.clear()
    for (const timer of timers.values()) timer.cancel()
    timers.clear()
    for (const resolve of ends.splice(0)) resolve()
    if (!asked) parts.gaveUp([], cause)
  }

  const begin = (): void => {
    asked = false
    isCold = false
    tree = supervisionTree(start, numbers)
    tell({ type: 'begin' })
  }

  const thaw = (): void => {
    if (isCold) begin()
  }

  const call = (path: Path, request: Request): Promise<Reply> =>
    new Promise((resolve) => {
      calls += 1
      replies.set(calls, resolve)
      tell({ type: 'call', call: calls, path, request })
    })

  const end = (): Promise<void> => {
    isCold = false
    if (tree === undefined) return Promise.resolve()
    asked = true
    const gone = new Promise<void>((resolve) => ends.push(resolve))
    tell({ type: 'end' })
    return gone
  }

  /** With nobody else there is nothing to respect: it begins anew, at once and with nothing counted. */
  const renew = async (): Promise<void> => {
    await end()
    if (tree === undefined) begin()
  }

  const isAlone = (path: Path): boolean => !engaged(tree?.rows() ?? [], path.join('/'))

  const bring = async (path: Path): Promise<void> => {
    thaw()
    const ref = rowAt(tree?.rows() ?? [], path)?.ref
    if (typeof ref === 'number' && !asked) return
    if (asked || isAlone(path)) return await renew()
    const [id, supervisor] = [path.at(-1) ?? '', path.slice(0, -1)]
    if (ref === 'restarting') void call(supervisor, { ask: 'terminate_child', id })
    // Who is temporary is forgotten when it ends.
    void call(supervisor, { ask: 'change', children: childrenAt(start, supervisor) })
    const reply = await call(supervisor, { ask: 'restart_child', id })
    if (!reply.ok && reply.error === 'noproc' && supervisor.length > 0) await bring(supervisor)
  }

  return {
    rows: () => tree?.rows(),
    place: (path) => rowAt(tree?.rows() ?? [], path)?.ref,
    begin,
    bring: (path) => void bring(path),
    async dismiss(path) {
      thaw()
      // A tree of one is ended, because that waits for nothing; a request would wait for a start.
      if (isAlone(path)) await end()
      else await call(path.slice(0, -1), { ask: 'terminate_child', id: path.at(-1) ?? '' })
    },
    end,
    started: (ref) => tell({ type: 'started', ref }),
    ignored(ref) {
      places.delete(ref)
      tell({ type: 'ignored', ref })
    },
    exited(ref, cause, record) {
      const place = places.get(ref)?.path.join('/')
      places.delete(ref)
      tell({ type: 'exited', ref, cause, chance: random.next() }, (actions) => {
        for (const action of actions)
          if (action.do === 'restarting' && action.path.join('/') === place) return record(action.ms)
        record(undefined)
      })
    },
    cool() {
      if (!parts.isImplicit || tree === undefined || busy || asked || replies.size + timers.size > 0) return false
      isCold = true
      tree = undefined
      places.clear()
      return true
    },
    configure(next) {
      start = next
      if (tree === undefined) return
      for (const { path, flags, children } of supervisorsOf(next))
        void call(path, { ask: 'change', ...(flags === undefined ? {} : { flags }), children })
    },
  }
}

/** What nobody is left to hear. */
const unheard = (input: TreeInput): TreeAction[] =>
  input.type === 'call' ? [{ do: 'reply', call: input.call, reply: { ok: false, error: 'noproc' } }] : []

/** Whether any agent but this one lives or is about to. */
const engaged = (rows: readonly TreeRow[], but: string, above = ''): boolean =>
  rows.some(({ id, ref, type, children = [] }) => {
    const here = `${above}${id}`
    if (type === 'supervisor') return ref === 'restarting' || engaged(children, but, `${here}/`)
    return here !== but && ref !== undefined
  })

function rowAt(rows: readonly TreeRow[], path: Path): TreeRow | undefined {
  const row = rows.find(({ id }) => id === path[0])
  return path.length < 2 ? row : rowAt(row?.children ?? [], path.slice(1))
}

function childrenAt({ children }: SupervisorStart, path: Path): readonly ChildInput[] {
  const [id, ...rest] = path
  if (id === undefined) return children
  return childrenAt(children.find((child) => child.id === id)?.start as SupervisorStart, rest)
}

function supervisorsOf(start: SupervisorStart, path: Path = []): (SupervisorStart & { readonly path: Path })[] {
  const below = start.children
    .filter(({ type }) => type === 'supervisor')
    .flatMap((child) => supervisorsOf(child.start as SupervisorStart, [...path, child.id]))
  return [{ ...start, path }, ...below]
}
