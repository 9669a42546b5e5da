import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallKind, Outcome } from '@vigil/protocol'
import type { StepOptions } from '../context.ts'
import type { Calls } from './calls.ts'
import { abortedError, type CodedError, codedError, stepError, thrownStep } from './coded-error.ts'
import { type SeededRandom, seededFrom } from './determinism.ts'
import { jsonCopy } from './json.ts'
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
  /** Of the turn, or of the step that runs: a step that is answered from the record draws nothing. */
  random(): number
  uuid(): string
  /** The code asked for something else than what is on record under a key; caught or not, the turn may not complete. */
  readonly diverged: CodedError | undefined
  /** run() has ended: what is open is never answered, what comes is refused. */
  end(): void
}

export interface EffectsParts {
  readonly turn: string
  readonly seed: string
  readonly replay: Replay
  readonly calls: Calls
  /** Aborts when core has given the attempt up: everything open rejects, and everything that comes. */
  readonly signal: AbortSignal
}

interface Scope {
  /** Key of the step that runs, or empty. */
  readonly key: string
  readonly chance: SeededRandom
}

const longestKey = 512

export function turnEffects({ turn, seed, replay, calls, signal }: EffectsParts): Effects {
  const keys = stepKeys()
  const scopes = new AsyncLocalStorage<Scope>()
  const scopeOf = (key: string): Scope => ({ key, chance: seededFrom(`${seed}\n${key}`) })
  const top = scopeOf('')
  const scope = (): Scope => scopes.getStore() ?? top
  const open = new Set<(error: CodedError) => void>()
  let diverged: CodedError | undefined
  let ended = false

  const over = (): boolean => ended || signal.aborted
  const aborted = (): CodedError => abortedError(turn, ended ? 'run() has returned' : 'core has given it up')
  // One listener for all calls: an AbortSignal warns of a leak at its eleventh.
  signal.addEventListener(
    'abort',
    () => {
      for (const reject of open) reject(aborted())
      open.clear()
    },
    { once: true },
  )

  /** Waits, unless the attempt is over: then forever after run() has returned, else it rejects. */
  const whileOpen = <T>(begin: (done: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (over()) return reject(aborted())
      open.add(reject)
      begin((value) => {
        open.delete(reject)
        if (!over()) resolve(value)
      })
    })

  /** The outcome on record, or undefined: then the effect has to be made. */
  const recorded = (key: string, kind: CallKind): Promise<Outcome> | undefined => {
    const asked = over() ? undefined : replay.ask(key)
    if (asked === undefined) return undefined
    return whileOpen<Outcome>((done) => {
      void asked.then((effect) => {
        if (effect.kind !== kind) {
          const message = `${key} was recorded as ${effect.kind} and is now asked for as ${kind}`
          diverged ??= codedError({ code: 'TURN_DIVERGED', message })
          done({ ok: false, error: { code: 'TURN_DIVERGED', message } })
        } else done(effect.outcome === 'begun' ? { ok: true, value: null } : effect.outcome)
      })
    })
  }

  const make = async (key: string, kind: CallKind, input: unknown): Promise<Outcome> => {
    if (key.length > longestKey) {
      const message = `steps are nested too deep: the key of this ${kind} has ${key.length} characters`
      throw codedError({ code: 'INVALID_ARGUMENT', message })
    }
    return whileOpen<Outcome>((done) => {
      replay.called()
      // A leave moves no clock: when the step has ended, nothing tells a replay when it began. A refusal is an outcome.
      const isLeave = kind === 'step' && (input as { intend?: boolean }).intend === true
      calls.make({ turn, key, kind, input, over }, ({ at, outcome }) => {
        void replay.arrived(isLeave && outcome.ok ? undefined : at).then(() => done(outcome))
      })
    })
  }

  const run = async (key: string, kind: CallKind, input: unknown): Promise<unknown> =>
    settled(await (recorded(key, kind) ?? make(key, kind, input)))

  /** Leave to begin a step that runs once: of this life, or of one before if the step may be repeated. */
  const leave = (key: string, idempotent: boolean | undefined): Promise<Outcome> =>
    recorded(`${key}/begun`, 'step') ??
    make(key, 'step', { intend: true, ...(idempotent === undefined ? {} : { idempotent }) })

  return {
    call: (kind, name, input) => run(keys.byInput(scope().key, kind, name, input), kind, input),
    async sleep(ms) {
      await run(keys.byName(scope().key, 'sleep', ''), 'sleep', { ms })
    },
    async step(name, work, { once, idempotent }) {
      const key = keys.byName(scope().key, 'step', name)
      const known = recorded(key, 'step')
      if (known !== undefined) {
        replay.cover(key)
        const outcome = await known
        if (!outcome.ok) throw stepError(outcome.error)
        return outcome.value as never
      }
      if (once === true) settled(await leave(key, idempotent))
      else if (over()) throw aborted()
      let outcome: unknown
      try {
        // The first life gets what a replay will get, so nothing can depend on more than is recorded.
        outcome = jsonCopy(await scopes.run(scopeOf(key), work), `the result of step "${name}"`)
      } catch (thrown) {
        await make(key, 'step', { error: thrownStep(thrown) })
        throw thrown
      }
      return settled(await make(key, 'step', { outcome })) as never
    },
    now: () => replay.now(),
    random: () => scope().chance.random(),
    uuid: () => scope().chance.uuid(),
    get diverged() {
      return diverged
    },
    end() {
      ended = true
      open.clear()
    },
  }
}

function settled(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value
  throw codedError(outcome.error)
}
