import type { StepOptions, StepRun } from '../context.ts'
import { codedError } from './coded-error.ts'
import { milliseconds } from './duration.ts'
import { askLeave, failure, reconciled, settled, tried, type Work, type WorkGround } from './work.ts'

/** The options of a step, checked. */
export interface StepPlan extends Work {
  readonly kind: 'step'
  readonly retries: number
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
  return { kind: 'step', name, once, idempotent, retries, timeoutMs, reconcile }
}

/** Runs a step that has no outcome on record, up to its outcome. */
export async function runStep<T>(ground: WorkGround, key: string, plan: StepPlan, work: StepRun<T>): Promise<unknown> {
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
      const run = (signal: AbortSignal) => work({ key: ground.idempotencyKey(key), attempt, signal })
      const end = await tried(ground, place, plan, run)
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
async function inDoubt(ground: WorkGround, key: string, plan: StepPlan): Promise<boolean> {
  const leave = await askLeave(ground, key, 'step', {
    intend: true,
    ...(plan.idempotent ? { idempotent: true } : {}),
    ...(plan.reconcile === undefined ? {} : { reconcile: true }),
  })
  return (leave as { in_doubt?: boolean } | null)?.in_doubt === true
}

async function wait(ground: WorkGround, key: string, failures: number): Promise<void> {
  const ms = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (failures - 1)) * (1 - ground.chance(key) / 4)
  settled(await (ground.recorded(key, 'sleep') ?? ground.make(key, 'sleep', { ms: Math.round(ms) })))
}

const hopeless = new Set(['EFFECT_IN_DOUBT', 'TURN_DIVERGED', 'ABORTED', 'TOO_MANY_EFFECTS'])

function mayRetry(thrown: unknown): boolean {
  const { code, retry } = (thrown ?? {}) as { code?: unknown; retry?: unknown }
  return retry !== false && !hopeless.has(String(code))
}
