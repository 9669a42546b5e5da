import { errorBody } from '@vigil/protocol'
import { type ChildInput, type ChildSpec, checkChild } from './child-spec.ts'
import type { Child, Children } from './children.ts'
import type { Lifecycle, StartOutcome } from './lifecycle.ts'
import type { Plan } from './plan.ts'
import type { Refusal, Reply, Request } from './protocol.ts'

export interface Desk {
  readonly children: Children
  readonly life: Lifecycle
  readonly plan: Plan
  /** A child that the others of its group waited for is gone: they go on without it. */
  readonly goOnWithout: (child: Child) => void
}

type ChildRequest = Exclude<Request, { ask: 'change' }>

/** What people and programs ask of a supervisor about single children. */
export function answer(desk: Desk, request: ChildRequest, reply: (reply: Reply) => void): void {
  const { children, life, plan } = desk
  const { template } = plan
  const refuse = (error: Refusal): void => reply({ ok: false, error })
  if (request.ask === 'start_child') return startChild(desk, request.child, reply)
  if (request.ask === 'start_instance') {
    if (template === undefined) return refuse('not_simple_one_for_one')
    const child = children.add(template, { id: plan.nextInstance(), args: request.args })
    return life.start(child, (outcome) => {
      if (outcome.is !== 'running') children.remove(child)
      forgetStart(child)
      reply(replyTo(child, outcome))
    })
  }
  // Instances have no specification of their own to be kept, restarted or deleted.
  if (template !== undefined && request.ask !== 'terminate_child') return refuse('simple_one_for_one')
  const child = children.get(request.id)
  if (child === undefined) {
    if (template === undefined) return refuse('not_found')
    // The name of the kind names nobody; to end again who is gone is no error, as it is none for a child that is stopped.
    if (request.id === template.id) return refuse('simple_one_for_one')
    return plan.wasInstance(request.id) ? reply({ ok: true }) : refuse('not_found')
  }
  switch (request.ask) {
    case 'terminate_child':
      return terminate(desk, child, reply)
    case 'restart_child':
      if (child.state === 'restarting') return refuse('restarting')
      if (child.ref !== undefined) return refuse('running')
      return life.start(child, (outcome) => reply(replyTo(child, outcome)))
    case 'delete_child':
      if (child.state === 'restarting') return refuse('restarting')
      if (child.ref !== undefined) return refuse('running')
      children.remove(child)
      return reply({ ok: true })
  }
}

function startChild({ children, life, plan }: Desk, input: ChildInput, reply: (reply: Reply) => void): void {
  if (plan.template !== undefined) return reply({ ok: false, error: 'simple_one_for_one' })
  let spec: ChildSpec
  try {
    spec = checkChild(input, plan.flags)
  } catch (error) {
    return reply({ ok: false, error: 'invalid', message: errorBody(error).message })
  }
  const known = children.get(spec.id)
  if (known !== undefined) {
    return reply({ ok: false, error: known.ref === undefined ? 'already_present' : 'already_started' })
  }
  const child = children.add(spec)
  life.start(child, (outcome) => {
    // A temporary child that ignores its start is not kept; neither is one that cannot start.
    if (outcome.is === 'failed' || (outcome.is === 'ignored' && spec.restart === 'temporary')) children.remove(child)
    forgetStart(child)
    reply(replyTo(child, outcome))
  })
}

/** A temporary child is never started again: what it was started from may be large, and is not kept for its life. */
function forgetStart(child: Child): void {
  if (child.spec.restart !== 'temporary') return
  if (child.isInstance) child.args = undefined
  else child.spec = { ...child.spec, start: undefined }
}

function terminate({ children, life, goOnWithout }: Desk, child: Child, reply: (reply: Reply) => void): void {
  const waitedFor = child.wait?.isBackoff === true
  life.stopInOrder([child], () => {
    if (child.isInstance) children.remove(child)
    reply({ ok: true })
    if (waitedFor) goOnWithout(child)
  })
}

function replyTo({ id }: Child, outcome: StartOutcome): Reply {
  switch (outcome.is) {
    case 'running':
      return { ok: true, id, ref: outcome.ref, ...(outcome.info === undefined ? {} : { info: outcome.info }) }
    case 'ignored':
      return { ok: true, id }
    case 'failed':
      return { ok: false, error: 'start_failed', cause: outcome.cause }
  }
}
