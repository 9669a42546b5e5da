import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallKind, Outcome } from '@vigil/protocol'
import type { StepOptions, StepRun } from '../context.ts'
import type { Calls } from './calls.ts'
import { abortedError, type CodedError, codedError } from './coded-error.ts'
import { type SeededRandom, seededFrom } from './determinism.ts'
import type { Replay } from './replay.ts'
import { runStep, stepPlan } from './step.ts'
import { idempotencyKeyOf, stepKeys } from './step-key.ts'
import { type GuestTool, runTool, type ToolRun } from './tool.ts'
import { settled, type WorkGround, workTimeout } from './work.ts'

/** The effects of one turn: each is answered from the record, or becomes a system call. */
export interface Effects {
  /** An effect named by its input. */
  call(kind: CallKind, name: string, input: unknown): Promise<unknown>
  /** An effect named by its count alone. */
  counted(kind: 'sleep' | 'model.generate', input: unknown): Promise<unknown>
  step<T>(name: string, work: StepRun<T>, options: StepOptions): Promise<Awaited<T>>
  /** A call of a tool of the module: named by its input. */
  tool(tool: GuestTool, input: unknown, run: ToolRun): Promise<unknown>
  /** The code that runs now stands inside a step or a tool. */
  readonly inStep: boolean
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
  readonly process: string
  readonly turn: { readonly id: string; readonly attempt: number; readonly epoch: number; readonly seed: string }
  readonly replay: Replay
  readonly calls: Calls
  /** Aborts when core has given the attempt up: everything open rejects, and everything that comes. */
  readonly signal: AbortSignal
  /** Calls `act` after so many milliseconds, unless the returned function is called before. */
  readonly after: (ms: number, act: () => void) => () => void
  readonly warn: WorkGround['warn']
}

interface Scope {
  /** Key of the step or tool that runs, or empty. */
  readonly key: string
  readonly chance: SeededRandom
  /** Aborts when the turn is over, or the step that runs. */
  readonly signal: AbortSignal
}

const longestKey = 512

export function turnEffects({ process, turn, replay, calls, signal, after, warn }: EffectsParts): Effects {
  const keys = stepKeys()
  const scopes = new AsyncLocalStorage<Scope>()
  const chanceOf = (key: string): SeededRandom => seededFrom(`${turn.seed}\n${key}`)
  const top: Scope = { key: '', chance: chanceOf(''), signal }
  const scope = (): Scope => scopes.getStore() ?? top
  const open = new Set<(error: CodedError) => void>()
  let diverged: CodedError | undefined
  let ended = false

  const over = (): boolean => ended || signal.aborted
  const aborted = (): CodedError => {
    if (over()) return abortedError(`turn ${turn.id}`, ended ? 'run() has returned' : 'core has given it up')
    return abortedError(`step ${scope().key}`, 'it has timed out')
  }
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
      if (over() || scope().signal.aborted) return reject(aborted())
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
        } else done(effect.outcome === 'begun' ? { ok: true, value: effect.leave ?? null } : effect.outcome)
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
      // A leave moves no clock: when the work has ended, nothing tells a replay when it began. A refusal is an outcome.
      const { intend = false, begin = false } = input as { intend?: boolean; begin?: boolean }
      const isLeave = (kind === 'step' && intend) || (kind === 'tool' && begin)
      calls.make({ turn: turn.id, key, kind, input, over }, ({ at, outcome }) => {
        void replay.arrived(isLeave && outcome.ok ? undefined : at).then(() => done(outcome))
      })
    })
  }

  const answered = async (key: string, kind: CallKind, input: unknown): Promise<unknown> =>
    settled(await (recorded(key, kind) ?? make(key, kind, input)))

  const ground: WorkGround = {
    attempt: turn.attempt,
    epoch: turn.epoch,
    recorded,
    make,
    cover: replay.cover,
    idempotencyKey: (key) => idempotencyKeyOf(process, turn.id, key),
    chance: (key) => chanceOf(key).random(),
    warn,
    async within(key, work, run) {
      const outer = scope()
      const { timeoutMs } = work
      if (timeoutMs === undefined)
        return await scopes.run({ key, chance: chanceOf(key), signal: outer.signal }, () => run(outer.signal))
      const ending = new AbortController()
      const late = Promise.withResolvers<never>()
      const cancel = after(timeoutMs, () => {
        const error = workTimeout(work, timeoutMs)
        ending.abort(error)
        late.reject(error)
      })
      const inner = AbortSignal.any([outer.signal, ending.signal])
      try {
        const running = scopes.run({ key, chance: chanceOf(key), signal: inner }, async () => await run(inner))
        return await Promise.race([running, late.promise])
      } finally {
        cancel()
      }
    },
  }

  return {
    call: (kind, name, input) => answered(keys.byInput(scope().key, kind, name, input), kind, input),
    counted: (kind, input) => answered(keys.byName(scope().key, kind, ''), kind, input),
    async step(name, work, options) {
      const plan = stepPlan(name, options)
      const key = keys.byName(scope().key, 'step', name)
      const known = recorded(key, 'step')
      if (known !== undefined) {
        replay.cover(key)
        return settled(await known) as never
      }
      if (over() || scope().signal.aborted) throw aborted()
      return (await runStep(ground, key, plan, work)) as never
    },
    async tool(tool, input, run) {
      const { name } = tool.declaration
      const key = keys.byInput(scope().key, 'tool', name, input)
      const known = recorded(key, 'tool')
      if (known !== undefined) {
        replay.cover(key)
        return settled(await known)
      }
      if (over() || scope().signal.aborted) throw aborted()
      return await runTool(ground, key, { tool, input, run })
    },
    get inStep() {
      return scope() !== top
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
