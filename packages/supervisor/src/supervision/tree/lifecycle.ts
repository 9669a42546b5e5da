import type { ExitCause } from '@vigil/protocol'
import type { ChildSpec } from './child-spec.ts'
import type { Child, Children } from './children.ts'
import type { Action, Input } from './protocol.ts'
import { disobeyed } from './verdict.ts'

/** Names for lives and timers: each number once, also among the supervisors of one tree. */
export interface Numbers {
  next(): number
}

/** What became of a start. */
export type StartOutcome =
  | { readonly is: 'running'; readonly ref: number; readonly info: unknown }
  | { readonly is: 'ignored' }
  | { readonly is: 'failed'; readonly cause: ExitCause }

export interface FailedStart {
  readonly child: Child
  readonly cause: ExitCause
}

/**
 * Starts and stops children: what has to be done, and what is waited for. Knows nothing of why. While a sequence runs it
 * is busy, and whoever drives it lets everything else wait.
 */
export interface Lifecycle {
  readonly busy: boolean
  /** The present sequence does not go on. */
  interrupt(): void
  start(child: Child, done: (outcome: StartOutcome) => void): void
  /** Those that have no life, in this order; ends at the first that fails. */
  startInOrder(list: readonly Child[], done: (failed?: FailedStart) => void): void
  /** One after the other, each with its own budget; who is temporary is forgotten. */
  stopInOrder(list: readonly Child[], done: () => void): void
  /** All at once, with one budget. */
  stopTogether(list: readonly Child[], budget: ChildSpec['shutdown'], done: () => void): void
  /** The child counts as restarting until `then`, which comes in its turn. */
  wait(child: Child, ms: number, then: () => void): void
  startAnswered(answer: Extract<Input, { type: 'started' | 'ignored' | 'failed' }>): void
  /** A life is over. Answers with the child if nobody had asked for that. */
  exited(ref: number, cause: ExitCause): Child | undefined
  elapsed(timer: number): void
}

export interface LifecycleParts {
  readonly children: Children
  readonly numbers: Numbers
  readonly act: (action: Action) => void
  /** Puts something into the line of what happens next. */
  readonly later: (step: () => void) => void
  readonly now: () => number
  /** So many children wait for the end of a backoff. */
  readonly backingOff: (count: number) => void
  /** A child was asked to end and ended in another way. */
  readonly disobeyed: (child: Child, cause: ExitCause) => void
}

export function lifecycle({ children, numbers, act, later, now, backingOff, ...parts }: LifecycleParts): Lifecycle {
  let backoffs = 0
  let sequence: object | undefined
  const starts = new Map<number, (outcome: StartOutcome) => void>()
  const stops = new Map<number, { readonly done: () => void; readonly timer: number | undefined }>()
  const timers = new Map<number, () => void>()

  const arm = (ms: number, fire: () => void): number => {
    const timer = numbers.next()
    timers.set(timer, fire)
    act({ do: 'arm', timer, ms })
    return timer
  }
  const disarm = (timer: number | undefined): void => {
    if (timer !== undefined && timers.delete(timer)) act({ do: 'disarm', timer })
  }

  /** One after the other, until one says no; then `end`, unless the sequence was interrupted. */
  const inTurn = (
    list: readonly Child[],
    one: (child: Child, done: (goOn: boolean) => void) => void,
    end: () => void,
  ): void => {
    const mine = {}
    sequence = mine
    let index = 0
    const go = (): void => {
      // A loop, because most of a long list may be done at once.
      for (let again = true; again; ) {
        again = false
        const child = list[index++]
        if (child === undefined) return finish()
        let inPlace = true
        one(child, (goOn) => {
          if (sequence !== mine) return
          if (!goOn) finish()
          else if (inPlace) again = true
          else go()
        })
        inPlace = false
      }
    }
    const finish = (): void => {
      sequence = undefined
      end()
    }
    go()
  }

  const endWait = (child: Child): void => {
    if (child.wait === undefined) return
    disarm(child.wait.timer)
    if (child.wait.isBackoff) backingOff(--backoffs)
    child.wait = undefined
    child.state = 'absent'
  }

  const begin = (child: Child, done: (outcome: StartOutcome) => void): void => {
    endWait(child)
    const ref = numbers.next()
    child.state = 'starting'
    child.died = undefined
    children.enliven(child, ref)
    starts.set(ref, done)
    act({
      do: 'start',
      ref,
      id: child.id,
      child: child.spec,
      ...(child.args === undefined ? {} : { args: child.args }),
    })
  }

  const stop = (child: Child, budget: ChildSpec['shutdown'], done: () => void): void => {
    endWait(child)
    child.died = undefined
    const { ref } = child
    if (ref === undefined) return done()
    const asked = stops.get(ref)
    // Whoever waits for its start has been interrupted.
    starts.delete(ref)
    child.state = 'stopping'
    if (asked === undefined || budget === 'kill') act({ do: 'stop', ref, how: budget === 'kill' ? 'kill' : 'ask' })
    const kill = (): void => act({ do: 'stop', ref, how: 'kill' })
    const timer = asked?.timer ?? (typeof budget === 'number' ? arm(budget, kill) : undefined)
    stops.set(ref, { done, timer })
  }

  const exited: Lifecycle['exited'] = (ref, cause) => {
    const child = children.byRef(ref)
    if (child === undefined) return undefined
    children.bury(child)
    const stopped = stops.get(ref)
    const answered = starts.get(ref)
    stops.delete(ref)
    starts.delete(ref)
    if (stopped !== undefined) {
      disarm(stopped.timer)
      if (disobeyed(child.spec, cause)) parts.disobeyed(child, cause)
      stopped.done()
      return undefined
    }
    // It ended before it said that it had begun.
    if (answered !== undefined) {
      answered({ is: 'failed', cause })
      return undefined
    }
    if (now() - child.runsSince >= child.spec.backoff.stableMs) child.streak = 0
    return child
  }

  return {
    get busy() {
      return sequence !== undefined
    },
    interrupt() {
      sequence = undefined
    },
    start(child, done) {
      let outcome: StartOutcome | undefined
      const one = (child: Child, next: (goOn: boolean) => void): void =>
        begin(child, (became) => {
          outcome = became
          next(true)
        })
      inTurn([child], one, () => outcome !== undefined && done(outcome))
    },
    startInOrder(list, done) {
      let failed: FailedStart | undefined
      const one = (child: Child, next: (goOn: boolean) => void): void =>
        begin(child, (outcome) => {
          if (outcome.is === 'failed') failed = { child, cause: outcome.cause }
          if (outcome.is === 'ignored' && (child.spec.restart === 'temporary' || child.isInstance))
            children.remove(child)
          next(outcome.is !== 'failed')
        })
      inTurn(
        list.filter(({ ref }) => ref === undefined),
        one,
        () => done(failed),
      )
    },
    stopInOrder(list, done) {
      const one = (child: Child, next: (goOn: boolean) => void): void =>
        stop(child, child.spec.shutdown, () => {
          if (child.spec.restart === 'temporary') children.remove(child)
          next(true)
        })
      inTurn(list, one, done)
    },
    stopTogether(list, budget, done) {
      const mine = {}
      sequence = mine
      const left = new Set(list)
      const kill = (): void => {
        for (const { ref } of left) if (ref !== undefined) act({ do: 'stop', ref, how: 'kill' })
      }
      const timer = typeof budget === 'number' && left.size > 0 ? arm(budget, kill) : undefined
      const one = (child: Child): void => {
        left.delete(child)
        if (left.size > 0 || sequence !== mine) return
        sequence = undefined
        disarm(timer)
        done()
      }
      if (list.length === 0) {
        sequence = undefined
        return done()
      }
      for (const child of list) stop(child, budget === 'kill' ? 'kill' : 'infinity', () => one(child))
    },
    wait(child, ms, then) {
      child.state = 'restarting'
      const isBackoff = ms > 0
      const timer = arm(ms, () =>
        later(() => {
          // Somebody may have ended the wait while this stood in line.
          if (child.wait?.timer !== timer) return
          endWait(child)
          then()
        }),
      )
      child.wait = { timer, isBackoff }
      if (isBackoff) backingOff(++backoffs)
    },
    startAnswered(answer) {
      // Its start came to nothing while it was being stopped: that is the end that is waited for.
      if (answer.type !== 'started' && stops.has(answer.ref))
        return void exited(answer.ref, answer.type === 'failed' ? answer.cause : { kind: 'normal' })
      const child = children.byRef(answer.ref)
      const done = starts.get(answer.ref)
      if (child === undefined || done === undefined) return
      starts.delete(answer.ref)
      if (answer.type === 'started') {
        child.state = 'running'
        child.runsSince = now()
        return done({ is: 'running', ref: answer.ref, info: answer.info })
      }
      children.bury(child)
      done(answer.type === 'ignored' ? { is: 'ignored' } : { is: 'failed', cause: answer.cause })
    },
    exited,
    elapsed(timer) {
      const fire = timers.get(timer)
      timers.delete(timer)
      fire?.()
    },
  }
}
