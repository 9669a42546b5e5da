import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallKind, Outcome } from '@vigil/protocol'
import type { StepOptions } from '../context.ts'
import type { Calls } from './calls.ts'
import { codedError, thrownError } from './coded-error.ts'
import type { Replay } from './replay.ts'
import { stepKeys } from './step-key.ts'

/** The effects of one turn: each is answered from the record, or becomes a system call. */
export interface Effects {
  /** An effect named by its input. */
  call(kind: CallKind, name: string, input: unknown): Promise<unknown>
  /** Sleep: an effect named by count alone. */
  sleep(ms: number): Promise<void>
  step<T>(name: string, work: () => T | Promise<T>, options: StepOptions): Promise<Awaited<T>>
  /** Milliseconds of the latest outcome that this turn has seen. */
  now(): number
}

export interface EffectsParts {
  readonly turn: string
  readonly startedAtMs: number
  readonly replay: Replay
  readonly calls: Calls
  readonly signal: AbortSignal
}

export function turnEffects({ turn, startedAtMs, replay, calls, signal }: EffectsParts): Effects {
  const keys = stepKeys()
  const scopes = new AsyncLocalStorage<string>()
  const scope = (): string => scopes.getStore() ?? ''
  let nowMs = startedAtMs

  const see = (at: string): void => {
    nowMs = Math.max(nowMs, Date.parse(at))
  }

  /** The outcome on record, or undefined: then the effect has to be made. */
  const recorded = async (key: string, kind: CallKind): Promise<Outcome | undefined> => {
    const asked = replay.ask(key)
    if (asked === undefined) return undefined
    const effect = await asked
    if (effect.kind !== kind) throw codedError({ code: 'TURN_DIVERGED', message: `${key} was recorded as ${effect.kind} and is now asked for as ${kind}` })
    see(effect.at)
    if (effect.outcome === 'doubt') {
      return { ok: false, error: { code: 'EFFECT_IN_DOUBT', message: `${kind} was begun at ${effect.at} and its outcome is unknown`, details: { key } } }
    }
    return effect.outcome
  }

  const make = async (key: string, kind: CallKind, input: unknown): Promise<Outcome> => {
    const { at, outcome } = await calls.make({ turn, key, kind, input, signal })
    see(at)
    return outcome
  }

  const run = async (key: string, kind: CallKind, input: unknown): Promise<unknown> => {
    if (signal.aborted) throw codedError({ code: 'ABORTED', message: 'core has ended this turn' })
    return valueOf((await recorded(key, kind)) ?? (await make(key, kind, input)))
  }

  return {
    call: (kind, name, input) => run(keys.byInput(scope(), kind, name, input), kind, input),
    async sleep(ms) {
      await run(keys.byName(scope(), 'sleep', ''), 'sleep', { ms })
    },
    async step(name, work, { once, idempotent }) {
      const key = keys.byName(scope(), 'step', name)
      if (signal.aborted) throw codedError({ code: 'ABORTED', message: 'core has ended this turn' })
      const known = await recorded(key, 'step')
      if (known !== undefined) return valueOf(known) as never
      if (once === true) valueOf(await make(key, 'step', { intend: true, ...(idempotent === undefined ? {} : { idempotent }) }))
      let result: unknown
      try {
        result = asJson(name, await scopes.run(key, work))
      } catch (thrown) {
        // What ended the turn is no outcome of the step.
        if (!signal.aborted) await make(key, 'step', { error: thrownError(thrown) })
        throw thrown
      }
      return valueOf(await make(key, 'step', { outcome: result })) as never
    },
    now: () => nowMs,
  }
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value
  throw codedError(outcome.error)
}

/** What a step gives has to survive the journal; the first run gets the same value that a replay will. */
function asJson(name: string, value: unknown): unknown {
  if (value === undefined) return null
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`the step "${name}" gave a ${typeof value}, which is no JSON`)
  return JSON.parse(text)
}
