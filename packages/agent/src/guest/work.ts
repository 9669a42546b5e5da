import type { CallKind, Outcome } from '@vigil/protocol'
import type { StepAnswer } from '../context.ts'
import { type CodedError, codedError, isEcho, stepError, thrownStep } from './coded-error.ts'
import { jsonText } from './json.ts'

/** What work needs of the effects of its turn. */
export interface WorkGround {
  /** The attempt of the turn, and the epoch of the life. */
  readonly attempt: number
  readonly epoch: number
  recorded(key: string, kind: CallKind): Promise<Outcome> | undefined
  make(key: string, kind: CallKind, input: unknown): Promise<Outcome>
  /** It is not run (again): nobody will ask for what is recorded inside. */
  cover(key: string): void
  /** Runs work whose calls stand under `key`; past its time it rejects, and what it still calls is refused. */
  within<T>(key: string, work: Pick<Work, 'name' | 'kind' | 'timeoutMs'>, run: Run<T>): Promise<T>
  /** Stable for (process, turn, key). */
  idempotencyKey(key: string): string
  /** In [0, 1), the same after a crash. */
  chance(key: string): number
  warn(message: string, fields: unknown): void
}

type Run<T> = (signal: AbortSignal) => T | Promise<T>

/** Work of the author whose outcome is on record: a step, or a tool. */
export interface Work {
  readonly kind: 'step' | 'tool'
  readonly name: string
  /** It may begin only once; `idempotent`: more often all the same, because that does no harm. */
  readonly once: boolean
  readonly idempotent: boolean
  readonly timeoutMs: number | undefined
  /** Says what came of it, when nobody else knows. */
  readonly reconcile: ((key: string) => unknown) | undefined
}

const label = ({ kind, name }: Pick<Work, 'kind' | 'name'>): string => `${kind} "${name}"`

/** Asks core for leave to begin. */
export async function askLeave(ground: WorkGround, key: string, kind: Work['kind'], input: unknown): Promise<unknown> {
  const leave = await (ground.recorded(`${key}/begun`, kind) ?? ground.make(key, kind, input))
  if (!leave.ok) ground.cover(key)
  return settled(leave)
}

/** It has begun before, and nobody knows what came of it: the author is asked. Rejects, on record, when he cannot tell. */
export async function reconciled(ground: WorkGround, key: string, work: Work): Promise<StepAnswer> {
  // Asked anew in each life: what was found out before says nothing about what was begun since.
  const place = `${key}/reconcile`
  ground.cover(place)
  let why: unknown
  try {
    const ask = (): unknown => work.reconcile?.(ground.idempotencyKey(key))
    const answer = (await ground.within(`${place}/${ground.epoch}`, work, ask)) as StepAnswer | undefined
    if (answer?.done === true)
      return { done: true, value: recordable(answer.value, work, `what reconcile of ${label(work)} gives`) }
    if (answer?.done === false) return answer
    why = new Error('it gave neither { done: true, value } nor { done: false }')
  } catch (thrown) {
    if (isEcho(thrown)) throw thrown
    why = thrown
  }
  ground.cover(key)
  const error = doubt(`${label(work)} was begun, and its reconcile cannot tell what came of it: ${messageOf(why)}`)
  await ground.make(key, work.kind, { error: failure(error) })
  throw error
}

export type WorkEnd =
  | { readonly ok: true; readonly outcome: unknown }
  | { readonly ok: false; readonly thrown: unknown }

/** Runs the work once, its calls under `place`. Its outcome is not on record yet. */
export async function tried(ground: WorkGround, place: string, work: Work, run: Run<unknown>): Promise<WorkEnd> {
  const isOnce = work.once && !work.idempotent
  let value: unknown
  try {
    value = await ground.within(place, work, run)
  } catch (thrown) {
    if (!timedOut(thrown) || !isOnce) return { ok: false, thrown }
    return { ok: false, thrown: doubt(`${messageOf(thrown)}, and may have happened`) }
  }
  try {
    // The first life gets what a replay will get, so nothing can depend on more than is recorded.
    return { ok: true, outcome: recordable(value, work, `the result of ${label(work)}`) }
  } catch (thrown) {
    // A failure would be made again.
    return { ok: false, thrown: isOnce ? doubt(`${label(work)} has happened, and ${messageOf(thrown)}`) : thrown }
  }
}

/** Of a tool: whoever called it may be a model. */
const mostBytes = 1_000_000

function recordable(value: unknown, { kind }: Work, what: string): unknown {
  const text = jsonText(value, what)
  const bytes = kind === 'tool' ? Buffer.byteLength(text) : 0
  if (bytes <= mostBytes) return JSON.parse(text)
  const message = `${what} has ${bytes} bytes, at most ${mostBytes} are taken`
  throw codedError({ code: 'TOO_LARGE', message, help: 'Keep large data in a file and return its path.' })
}

/** The answer of core as a value, or thrown. */
export function settled(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value
  throw stepError(outcome.error)
}

const timeouts = new WeakSet<object>()

export function workTimeout(work: Pick<Work, 'kind' | 'name'>, ms: number): CodedError {
  const code = work.kind === 'step' ? 'STEP_TIMEOUT' : 'TOOL_TIMEOUT'
  const error = codedError({ code, message: `${label(work)} ran longer than its timeout, ${ms} ms` })
  timeouts.add(error)
  return error
}

const timedOut = (thrown: unknown): boolean => typeof thrown === 'object' && thrown !== null && timeouts.has(thrown)

const doubts = new WeakSet<object>()

function doubt(message: string): CodedError {
  const error = codedError({ code: 'EFFECT_IN_DOUBT', message })
  doubts.add(error)
  return error
}

/** Work in which something else is in doubt has failed, and is not in doubt itself. */
export function failure(thrown: unknown): ReturnType<typeof thrownStep> {
  const { code, ...error } = thrownStep(thrown)
  const isDoubt = typeof thrown === 'object' && thrown !== null && doubts.has(thrown)
  return code === undefined || (code === 'EFFECT_IN_DOUBT' && !isDoubt) ? error : { ...error, code }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
