import type { ExitCause } from '@vigil/protocol'
import { backoff } from '../backoff.ts'
import type { ChildInput, ChildSpec, FlagsInput } from './child-spec.ts'
import { type Child, countsOf, newChildren, rowOf } from './children.ts'
import { fifo } from './fifo.ts'
import { type FailedStart, lifecycle, type Numbers } from './lifecycle.ts'
import { newPlan } from './plan.ts'
import type { Action, ChildCounts, ChildRow, Input, Reply, Report, Request } from './protocol.ts'
import { answer } from './requests.ts'
import { restartCounter } from './restart-counter.ts'
import { endsSupervisor, isWorthTelling, verdictOn } from './verdict.ts'

/**
 * One supervisor, OTP's way, as a pure machine: it is told what happened and when, and answers with what is to be done.
 * While it starts or stops children everything else waits in line, as before a process that is blocked; only `end` does
 * not wait.
 */
export interface SupervisorMachine {
  /** `at`: monotonic milliseconds. */
  handle(input: Input, at: number): Action[]
  children(): ChildRow[]
  counts(): ChildCounts
  /** Of a child; of a `simple_one_for_one` under the one name that it has, or that of an instance. */
  spec(id: string): ChildSpec | undefined
}

/** @throws INVALID_ARGUMENT for flags or children that cannot be */
export function supervisorMachine(
  flagsInput: FlagsInput,
  childInputs: readonly ChildInput[],
  numbers: Numbers = countFromOne(),
): SupervisorMachine {
  const children = newChildren()
  const plan = newPlan(flagsInput, childInputs, children)

  let actions: Action[] = []
  let now = 0
  let chance = 0
  const restarts = restartCounter()
  let over = false
  let gone = false
  const line = fifo<() => void>()
  const openCalls = new Set<number>()
  const act = (action: Action): void => void actions.push(action)

  const report = (
    context: Report['context'],
    reason: ExitCause,
    { id, spec, ...child }: Child,
    ref = child.ref,
  ): void => {
    const { restart, shutdown, type } = spec
    act({ do: 'report', report: { context, reason, offender: { id, ref, restart, shutdown, type } } })
  }

  const life = lifecycle({
    children,
    numbers,
    act,
    later: (step) => void line.push(step),
    now: () => now,
    backingOff: (count) => restarts.backingOff(count, now),
    disobeyed: (child, cause) => report('shutdown_error', cause, child),
  })

  const refuseDead = (call: number): void => act({ do: 'reply', call, reply: { ok: false, error: 'noproc' } })

  const begin = (list = children.inOrder()): void =>
    life.startInOrder(list, (failed) => {
      if (failed === undefined) return act({ do: 'up' })
      report('start_error', failed.cause, failed.child)
      if (plan.flags.firstStart === 'must_succeed') return end(failed.cause)
      retry(failed)
      // Its group waits for it; where nobody stands with it, the others do not.
      if (plan.flags.strategy === 'one_for_one') begin(list.slice(list.indexOf(failed.child) + 1))
      else act({ do: 'up' })
    })

  /** Stops everything and is gone. What it was in the middle of does not go on. */
  const end = (cause: ExitCause, how: 'ask' | 'kill' = 'ask'): void => {
    over = true
    line.clear()
    life.interrupt()
    const vanish = (): void => {
      gone = true
      for (const call of openCalls) refuseDead(call)
      act({ do: 'down', cause })
    }
    if (how === 'kill') life.stopTogether(children.inOrder(), 'kill', vanish)
    else if (plan.template === undefined) life.stopInOrder(children.inOrder().reverse(), vanish)
    else life.stopTogether(children.inOrder(), plan.template.shutdown, vanish)
  }

  /** A child has ended by itself. */
  const incident = (child: Child, death: NonNullable<Child['died']>): void => {
    // A group that was restarted or stopped meanwhile has dealt with it.
    if (child.died !== death) return
    child.died = undefined
    const { cause } = death
    if (isWorthTelling(child.spec, cause)) report('child_terminated', cause, child, death.ref)
    const verdict = verdictOn(child.spec, cause)
    if (verdict === 'restart') return restart(child, cause)
    if (verdict === 'forget' || child.isInstance) children.remove(child)
    const others = (): boolean =>
      children.inOrder().some((each) => each !== child && each.spec.significant && isThere(each))
    if (endsSupervisor(plan.flags.autoShutdown, child.spec, others)) end({ kind: 'shutdown', hint: 'auto_shutdown' })
  }

  const announce = (child: Child): number => {
    const ms = backoff(child.spec.backoff, child.streak, chance)
    act({ do: 'restarting', id: child.id, ms })
    return ms
  }

  /** One incident counts once, however many siblings go down with it. */
  const restart = (child: Child, cause: ExitCause, announcedMs?: number): void => {
    if (restarts.count(now, plan.flags)) {
      report('shutdown', cause, child)
      return end({ kind: 'shutdown', hint: 'reached_max_restart_intensity' })
    }
    const ms = announcedMs ?? announce(child)
    child.streak += 1
    const others = groupOf(child).filter((each) => each !== child)
    life.stopInOrder(others.reverse(), () => {
      if (ms === 0) bring(groupOf(child))
      else life.wait(child, ms, () => bring(groupOf(child)))
    })
  }

  /** A start that fails is tried again by a message to itself, so that others are heard in between. */
  const bring = (group: readonly Child[]): void =>
    life.startInOrder(group, (failed) => {
      if (failed === undefined) return
      report('start_error', failed.cause, failed.child)
      retry(failed)
    })

  const retry = ({ child, cause }: FailedStart): void => {
    const ms = restarts.exceeds(now, plan.flags) ? undefined : announce(child)
    life.wait(child, 0, () => restart(child, cause, ms))
  }

  const groupOf = (child: Child): Child[] => {
    if (plan.flags.strategy === 'one_for_all') return children.inOrder()
    return plan.flags.strategy === 'rest_for_one' ? children.from(child) : [child]
  }

  const goOnWithout = (child: Child): void => {
    if (plan.flags.strategy === 'one_for_all' || plan.flags.strategy === 'rest_for_one')
      bring(groupOf(child).filter((each) => each !== child))
  }

  const call = (number: number, request: Request): void => {
    const reply = (reply: Reply): void => {
      openCalls.delete(number)
      act({ do: 'reply', call: number, reply })
    }
    if (request.ask === 'change') return reply(plan.change(request.flags, request.children))
    answer({ children, life, plan, goOnWithout }, request, reply)
  }

  const hear = (input: Input): void => {
    switch (input.type) {
      case 'begin':
        return void line.push(() => begin())
      case 'started':
      case 'ignored':
      case 'failed':
        return life.startAnswered(input)
      case 'exited': {
        const child = life.exited(input.ref, input.cause)
        if (child === undefined || over) return
        const death = { ref: input.ref, cause: input.cause }
        child.died = death
        return void line.push(() => incident(child, death))
      }
      case 'elapsed':
        return life.elapsed(input.timer)
      case 'end':
        if (input.how === 'kill') return gone ? undefined : end({ kind: 'signal', signal: 'SIGKILL' }, 'kill')
        return over ? undefined : end({ kind: 'shutdown' })
      case 'call':
        if (gone) return refuseDead(input.call)
        openCalls.add(input.call)
        if (!over) line.push(() => call(input.call, input.request))
    }
  }

  return {
    handle(input, at) {
      now = at
      chance = 'chance' in input && input.chance !== undefined ? input.chance : chance
      hear(input)
      while (!over && !life.busy) {
        const step = line.shift()
        if (step === undefined) break
        step()
      }
      const wanted = actions
      actions = []
      return wanted
    },
    children: () => children.inOrder().map(rowOf),
    counts: () => countsOf(children.inOrder(), plan.template === undefined ? children.inOrder().length : 1),
    spec: (id) => children.get(id)?.spec ?? (plan.template?.id === id ? plan.template : undefined),
  }
}

const isThere = ({ ref, state, died }: Child): boolean =>
  ref !== undefined || state === 'restarting' || died !== undefined

export function countFromOne(): Numbers {
  let last = 0
  return { next: () => ++last }
}
