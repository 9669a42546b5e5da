import { errorBody } from '@vigil/protocol'
import { type ChildSpec, checkChild, type SupervisorFlags } from './child-spec.ts'
import type { Child, Children } from './children.ts'
import type { Lifecycle, StartOutcome } from './lifecycle.ts'
import type { Refusal, Reply, Request } from './protocol.ts'

export interface Desk {
  readonly children: Children
  readonly life: Lifecycle
  readonly flags: SupervisorFlags
  /** Of a `simple_one_for_one`. */
  readonly template: ChildSpec | undefined
  readonly nextInstance: () => string
  /** A child that the others of its group waited for is gone: they go on without it. */
  readonly goOnWithout: (child: Child) => void
}

type ChildRequest = Exclude<Request, { ask: 'change' }>

/** What people and programs ask of a supervisor about single children. */
export function answer(desk: Desk, request: ChildRequest, reply: (reply: Reply) => void): void {
  const { children, life, template } = desk
  const refuse = (error: Refusal): void => reply({ ok: false, error })
  if (request.ask === 'start_child') return startChild(desk, request.child, reply)
  if (request.ask === 'start_instance') {
    if (template === undefined) return refuse('not_simple_one_for_one')
    const child = children.add(template, { id: desk.nextInstance(), args: request.args })
    return life.start(child, (outcome) => {
      if (outcome.is !== 'running') children.remove(child)
      reply(replyTo(child, outcome))
    })
  }
  // Instances have no specification of their own to be kept, restarted or deleted.
  if (template !== undefined && request.ask !== 'terminate_child') return refuse('simple_one_for_one')
  const child = children.get(request.id)
  if (child === undefined) return refuse('not_found')
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

function startChild(
  { children, life, flags, template }: Desk,
  input: never | object,
  reply: (reply: Reply) => void,
): void {
  if (template !== undefined) return reply({ ok: false, error: 'simple_one_for_one' })
  let spec: ChildSpec
  try {
    spec = checkChild(input as never, flags)
  } catch (error) {
    return reply({ ok: false, error: 'invalid', message: errorBody(error).message })
  }
  const known = children.get(spec.id)
  if (known !== undefined) {
    const lives = known.ref !== undefined || known.state === 'restarting'
    return reply({ ok: false, error: lives ? 'already_started' : 'already_present' })
  }
  const child = children.add(spec)
  life.start(child, (outcome) => {
    // A temporary child that ignores its start is not kept; neither is one that cannot start.
    if (outcome.is === 'failed' || (outcome.is === 'ignored' && spec.restart === 'temporary')) children.remove(child)
    reply(replyTo(child, outcome))
  })
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
