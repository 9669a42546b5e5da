import type { ExitCause } from '@vigil/protocol'
import {
  type ChildInput,
  type FlagsInput,
  type SupervisionTree,
  type SupervisorMachine,
  type SupervisorTypes,
  supervisionTree,
  type TreeAction,
  type TreeInput,
} from '@vigil/supervisor/internal'

type Reply = SupervisorTypes.Reply
type Report = SupervisorTypes.Report
type Request = SupervisorTypes.Request

/** How a child of these tests behaves; it is the `start` of its specification. */
export interface Behaviour {
  /** What its nth start (from 1) comes to; default ok. */
  readonly starts?: (nth: number) => 'ok' | 'ignore' | 'error' | 'hang' | { readonly info: unknown }
  /** What it does when it is asked to end; default at once, in good order. */
  readonly stops?: 'obey' | 'never' | { readonly afterMs: number } | { readonly with: ExitCause }
}

export const normal: ExitCause = { kind: 'normal' }
export const shutdown: ExitCause = { kind: 'shutdown' }
export const shutdownWith: ExitCause = { kind: 'shutdown', hint: 'a reason of its own' }
export const killed: ExitCause = { kind: 'signal', signal: 'SIGKILL' }
export const crashed: ExitCause = { kind: 'error', message: 'boom' }
export const cannotStart: ExitCause = { kind: 'error', message: 'cannot start' }

export const child = (id: string, spec: Partial<ChildInput> = {}, behaviour: Behaviour = {}): ChildInput => ({
  id,
  start: behaviour,
  ...spec,
})

/** A supervisor with children that do what they are told, in virtual time. */
export interface Bench {
  readonly tree: SupervisionTree
  /** Of the root. */
  readonly machine: SupervisorMachine
  /** Supervisors that ended and were not asked to, by path. */
  readonly gaveUp: readonly string[]
  /** How the supervisor ended; undefined while it lives. */
  readonly down: ExitCause | undefined
  readonly isUp: boolean
  /** Ids in the order of their starts and of their ends, since the last look. */
  started(): string[]
  ended(): string[]
  readonly reports: readonly Report[]
  /** How each life ended. */
  causeOf(ref: number): ExitCause | undefined
  isAlive(ref: number): boolean
  pid(id: string, path?: readonly string[]): number | 'restarting' | undefined
  /** Asks; undefined while the answer is not there. */
  call(request: Request, path?: readonly string[]): Reply | undefined
  /** The answer to the latest call. */
  readonly reply: Reply | undefined
  /** A child ends by itself. */
  exit(id: string, cause: ExitCause, path?: readonly string[]): void
  /** Several end before the supervisor looks. */
  exitAll(ids: readonly string[], cause: ExitCause): void
  /** The start of a child that hangs comes to something. */
  answer(ref: number, outcome: 'ok' | 'ignore' | 'error'): void
  end(): void
  advance(ms: number): void
}

export function bench(
  flags: FlagsInput,
  children: readonly ChildInput[] = [],
  options: { readonly begin?: boolean } = {},
): Bench {
  const tree = supervisionTree({ flags, children })
  const machine = tree.at([]) as SupervisorMachine
  const gaveUp: string[] = []
  const lives = new Map<number, { readonly id: string; readonly behaviour: Behaviour; cause?: ExitCause }>()
  const startsOf = new Map<unknown, number>()
  const timers = new Map<number, number>()
  const replies = new Map<number, Reply>()
  const reports: Report[] = []
  const queue: TreeInput[] = []
  const soon: { at: number; ref: number; cause: ExitCause }[] = []
  let [startLog, endLog]: [string[], string[]] = [[], []]
  let now = 0
  let calls = 0
  let isUp = false
  let down: ExitCause | undefined

  const die = (ref: number, cause: ExitCause): void => {
    const life = lives.get(ref)
    if (life === undefined || life.cause !== undefined) return
    life.cause = cause
    endLog.push(life.id)
    queue.push({ type: 'exited', ref, cause })
  }

  const begun = (ref: number, outcome: ReturnType<NonNullable<Behaviour['starts']>>): void => {
    if (outcome === 'hang') return
    const life = lives.get(ref)
    if (life === undefined || life.cause !== undefined) return
    if (outcome === 'ignore' || outcome === 'error') {
      life.cause = outcome === 'ignore' ? normal : cannotStart
      queue.push(outcome === 'ignore' ? { type: 'ignored', ref } : { type: 'failed', ref, cause: cannotStart })
    } else queue.push({ type: 'started', ref, ...(outcome === 'ok' ? {} : { info: outcome.info }) })
  }

  const perform = (action: TreeAction): void => {
    switch (action.do) {
      case 'start': {
        const behaviour = action.child.start as Behaviour
        const nth = (startsOf.get(behaviour) ?? 0) + 1
        startsOf.set(behaviour, nth)
        lives.set(action.ref, { id: action.child.id, behaviour })
        startLog.push(action.child.id)
        return begun(action.ref, behaviour.starts?.(nth) ?? 'ok')
      }
      case 'stop': {
        const { stops = 'obey' } = lives.get(action.ref)?.behaviour ?? {}
        if (action.how === 'kill') return die(action.ref, killed)
        if (stops === 'obey') return die(action.ref, shutdown)
        if (stops === 'never') return
        if ('with' in stops) return die(action.ref, stops.with)
        soon.push({ at: now + stops.afterMs, ref: action.ref, cause: shutdown })
        return
      }
      case 'arm':
        return void timers.set(action.timer, now + action.ms)
      case 'disarm':
        return void timers.delete(action.timer)
      case 'reply':
        return void replies.set(action.call, action.reply)
      case 'report':
        return void reports.push(action.report)
      case 'up':
        isUp = true
        return
      case 'gave_up':
        return void gaveUp.push(action.path.join('/'))
      case 'down':
        down = action.cause
    }
  }

  /** Until nothing is left to hear at this instant; what was armed with no delay is heard after what was said before. */
  const settle = (): void => {
    for (;;) {
      const input = queue.shift()
      if (input !== undefined) {
        for (const action of tree.handle(input, now)) perform(action)
        continue
      }
      const due = soon.findIndex(({ at }) => at <= now)
      if (due >= 0) {
        const [end] = soon.splice(due, 1)
        if (end !== undefined) die(end.ref, end.cause)
        continue
      }
      const timer = [...timers].find(([, at]) => at <= now)?.[0]
      if (timer === undefined) return
      timers.delete(timer)
      queue.push({ type: 'elapsed', timer })
    }
  }

  const hear = (input: TreeInput): void => {
    queue.push(input)
    settle()
  }
  if (options.begin !== false) hear({ type: 'begin' })

  const pid = (id: string, path: readonly string[] = []): number | 'restarting' | undefined =>
    tree
      .at(path)
      ?.children()
      .find((row) => row.id === id)?.ref

  const refOf = (id: string, path: readonly string[] = []): number => {
    const ref = pid(id, path)
    if (typeof ref !== 'number') throw new Error(`${id} does not live`)
    return ref
  }

  return {
    tree,
    machine,
    reports,
    gaveUp,
    get down() {
      return down
    },
    get isUp() {
      return isUp
    },
    get reply() {
      return replies.get(calls)
    },
    started() {
      const ids = startLog
      startLog = []
      return ids
    },
    ended() {
      const ids = endLog
      endLog = []
      return ids
    },
    causeOf: (ref) => lives.get(ref)?.cause,
    isAlive: (ref) => lives.has(ref) && lives.get(ref)?.cause === undefined,
    pid,
    call(request, path = []) {
      calls += 1
      hear({ type: 'call', call: calls, path, request })
      return replies.get(calls)
    },
    exit(id, cause, path) {
      die(refOf(id, path), cause)
      settle()
    },
    exitAll(ids, cause) {
      for (const ref of ids.map((id) => refOf(id))) die(ref, cause)
      settle()
    },
    answer(ref, outcome) {
      begun(ref, outcome)
      settle()
    },
    end: () => hear({ type: 'end' }),
    advance(ms) {
      const target = now + ms
      for (;;) {
        const next = Math.min(...timers.values(), ...soon.map(({ at }) => at))
        if (next > target) break
        now = Math.max(now, next)
        settle()
      }
      now = target
      settle()
    },
  }
}
