import type { CallKind, Outcome } from '@vigil/protocol'
import type { StepAnswer, StepOptions, StepRun } from '../context.ts'
import { type CodedError, codedError, isEcho, stepError, thrownStep } from './coded-error.ts'
import { milliseconds } from './duration.ts'
import { jsonCopy } from './json.ts'

/** What a step needs of the effects of its turn. */
export interface StepGround {
  /** The attempt of the turn, and the epoch of the life. */
  readonly attempt: number
  readonly epoch: number
  recorded(key: string, kind: CallKind): Promise<Outcome> | undefined
  make(key: string, kind: CallKind, input: unknown): Promise<Outcome>
  /** It is not run (again): nobody will ask for what is recorded inside. */
  cover(key: string): void
  /** Runs work whose calls stand under `key`; past `timeoutMs` it rejects, and what it still calls is refused. */
  within<T>(
    key: string,
    limit: { readonly name: string; readonly timeoutMs: number | undefined },
    work: Work<T>,
  ): Promise<T>
  /** Stable for (process, turn, key). */
  idempotencyKey(key: string): string
  /** In [0, 1), the same after a crash. */
  chance(key: string): number
  warn(message: string, fields: unknown): void
}

type Work<T> = (signal: AbortSignal) => T | Promise<T>

/** The options of a step, checked. */
export interface StepPlan {
  readonly name: string
  readonly once: boolean
  readonly idempotent: boolean
  readonly retries: number
  readonly timeoutMs: number | undefined
  readonly reconcile: StepOptions['reconcile']
}

const mostRetries = 100
const longestTimeoutMs = 24 * 86_400_000
/** The waits of delivery: doubled from the base up to the cap. */
const backoff = { baseMs: 2_000, maxMs: 60_000 }

/** @throws INVALID_ARGUMENT for options that are wrong, or wrong together */
export function stepPlan(name: string, options: StepOptions): StepPlan {
  const { once = false, idempotent = false, retries = 0, timeout, reconcile } = options
  const timeoutMs = timeout === undefined ? undefined : milliseconds(timeout)
  const refuse = (message: string): never => {
    throw codedError({ code: 'INVALID_ARGUMENT', message: `step "${name}": ${message}` })
  }
  if (!Number.isInteger(retries) || retries < 0 || retries > mostRetries)
    refuse(`expected retries from 0 to ${mostRetries}, found ${retries}`)
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= longestTimeoutMs))
    refuse(`expected a timeout above 0 and up to 24d, found ${timeout}`)
  if (idempotent && !once) refuse('idempotent goes with once: a step without once is always run again after a crash')
  if (reconcile !== undefined && !once) refuse('reconcile goes with once: a step without once is never in doubt')
  if (reconcile !== undefined && idempotent) refuse('idempotent says run it again, reconcile says ask first: give one')
  if (retries > 0 && once && !idempotent)
    refuse('what may begin only once cannot be tried again: add idempotent, or no retries')
  return { name, once, idempotent, retries, timeoutMs, reconcile }
}

/** Runs a step that has no outcome on record, up to its outcome. */
export async function runStep<T>(ground: StepGround, key: string, plan: StepPlan, work: StepRun<T>): Promise<unknown> {
  if (plan.once && (await inDoubt(ground, key, plan))) {
    const answer = await reconciled(ground, key, plan)
    if (answer.done) {
      ground.cover(key)
      return settled(await ground.make(key, 'step', { outcome: answer.value }))
    }
  }
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt > plan.retries
    const place = plan.retries === 0 ? key : `${key}/try:${attempt}`
    // A failed try is on record, so that no crash gives the step more tries than it has.
    const failed = last ? undefined : ground.recorded(place, 'step')
    if (failed === undefined) {
      const end = await tried(ground, key, { plan, place, attempt, work })
      if (end.ok) return settled(await ground.make(key, 'step', { outcome: end.outcome }))
      const final = last || !mayRetry(end.thrown)
      await ground.make(final ? key : place, 'step', { error: failure(end.thrown) })
      if (final) throw end.thrown
      ground.warn(`step "${plan.name}" failed, try ${attempt} of ${plan.retries + 1}`, end.thrown)
    } else {
      ground.cover(place)
      await failed
    }
    await wait(ground, `${key}/wait:${ground.attempt}.${attempt}`, attempt)
  }
}

/** Asks leave to begin a step that runs once. True: it has begun before, and nobody knows what came of it. */
async function inDoubt(ground: StepGround, key: string, plan: StepPlan): Promise<boolean> {
  const input = {
    intend: true,
    ...(plan.idempotent ? { idempotent: true } : {}),
    ...(plan.reconcile === undefined ? {} : { reconcile: true }),
  }
  const leave = await (ground.recorded(`${key}/begun`, 'step') ?? ground.make(key, 'step', input))
  if (!leave.ok) ground.cover(key)
  return (settled(leave) as { in_doubt?: boolean } | null)?.in_doubt === true
}

async function reconciled(ground: StepGround, key: string, plan: StepPlan): Promise<StepAnswer> {
  const { name, timeoutMs, reconcile } = plan
  // Asked anew in each life: what was found out before says nothing about what was begun since.
  const place = `${key}/reconcile`
  ground.cover(place)
  let why: unknown
  try {
    const ask = (): unknown => reconcile?.(ground.idempotencyKey(key))
    const answer = (await ground.within(`${place}/${ground.epoch}`, { name, timeoutMs }, ask)) as StepAnswer | undefined
    if (answer?.done === true) return { done: true, value: jsonCopy(answer.value, `what reconcile of "${name}" gives`) }
    if (answer?.done === false) return answer
    why = new Error('it gave neither { done: true, value } nor { done: false }')
  } catch (thrown) {
    if (isEcho(thrown)) throw thrown
    why = thrown
  }
  ground.cover(key)
  const error = doubt(`step "${name}" was begun, and its reconcile cannot tell what came of it: ${messageOf(why)}`)
  await ground.make(key, 'step', { error: failure(error) })
  throw error
}

type TryEnd = { readonly ok: true; readonly outcome: unknown } | { readonly ok: false; readonly thrown: unknown }

async function tried<T>(
  ground: StepGround,
  key: string,
  { plan, place, attempt, work }: { plan: StepPlan; place: string; attempt: number; work: StepRun<T> },
): Promise<TryEnd> {
  const { name, timeoutMs, once, idempotent } = plan
  try {
    const value = await ground.within(place, { name, timeoutMs }, (signal) =>
      work({ key: ground.idempotencyKey(key), attempt, signal }),
    )
    // The first life gets what a replay will get, so nothing can depend on more than is recorded.
    return { ok: true, outcome: jsonCopy(value, `the result of step "${name}"`) }
  } catch (thrown) {
    if (!timedOut(thrown) || !once || idempotent) return { ok: false, thrown }
    return { ok: false, thrown: doubt(`${messageOf(thrown)}, and may have happened`) }
  }
}

async function wait(ground: StepGround, key: string, failures: number): Promise<void> {
  const ms = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (failures - 1)) * (1 - ground.chance(key) / 4)
  settled(await (ground.recorded(key, 'sleep') ?? ground.make(key, 'sleep', { ms: Math.round(ms) })))
}

/** The answer of core as a value, or thrown. */
export function settled(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value
  throw stepError(outcome.error)
}

const timeouts = new WeakSet<object>()

export function stepTimeout(name: string, ms: number): CodedError {
  const error = codedError({ code: 'STEP_TIMEOUT', message: `step "${name}" ran longer than its timeout, ${ms} ms` })
  timeouts.add(error)
  return error
}

const timedOut = (thrown: unknown): boolean => typeof thrown === 'object' && thrown !== null && timeouts.has(thrown)

const hopeless = new Set(['EFFECT_IN_DOUBT', 'TURN_DIVERGED', 'ABORTED', 'TOO_MANY_EFFECTS'])

function mayRetry(thrown: unknown): boolean {
  const { code, retry } = (thrown ?? {}) as { code?: unknown; retry?: unknown }
  return retry !== false && !hopeless.has(String(code))
}

const doubts = new WeakSet<object>()

function doubt(message: string): CodedError {
  const error = codedError({ code: 'EFFECT_IN_DOUBT', message })
  doubts.add(error)
  return error
}

/** A step in which something else is in doubt has failed, and is not in doubt itself. */
function failure(thrown: unknown): ReturnType<typeof thrownStep> {
  const { code, ...error } = thrownStep(thrown)
  const isDoubt = typeof thrown === 'object' && thrown !== null && doubts.has(thrown)
  return code === undefined || (code === 'EFFECT_IN_DOUBT' && !isDoubt) ? error : { ...error, code }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
