import type { GuestBoot, GuestPort } from '@vigil/isolate/guest'
import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import type { AgentEvent, AgentRun } from '../context.ts'
import { systemCalls } from './calls.ts'
import { codedError, thrownError } from './coded-error.ts'
import { turnEffects } from './effects.ts'
import { installGlobals } from './globals.ts'
import { replayOf } from './replay.ts'
import { committedState, turnState } from './state.ts'
import { turnContext } from './turn-context.ts'

type TurnMessage = Extract<CoreMessage, { t: 'turn' }>

const resultBytes = 1_000_000

/** One life of an agent in its thread: loads the module, says ready, runs turns until it is asked to end. */
export function guestMain(load: (module: GuestBoot['module']) => unknown) {
  return (boot: GuestBoot, port: GuestPort): void => {
    const post = (message: GuestMessage): void => port.post(JSON.stringify(message))
    const scope = installGlobals((level, message) => post({ t: 'log', level, message }))
    const calls = systemCalls(post)
    const committed = committedState()
    const open = new Map<string, AbortController>()
    let asked = false

    let run: AgentRun
    try {
      run = runOf(load(boot.module))
    } catch (thrown) {
      post({ t: 'unready', error: thrownError(thrown) })
      return
    }

    const begin = async (message: TurnMessage): Promise<void> => {
      const ending = new AbortController()
      const { signal } = ending
      open.set(message.turn, ending)
      const replay = replayOf(message.recorded, setImmediate)
      const own = turnState(committed.apply(message.state))
      const effects = turnEffects({ turn: message.turn, startedAtMs: Date.parse(message.started_at), replay, calls, signal })
      const context = turnContext({
        process: boot.process,
        env: boot.env,
        message,
        effects,
        state: own.state,
        signal,
        log(level, text, fields) {
          // What was said in the first life need not be said again.
          if (!replay.replaying && !signal.aborted) post({ t: 'log', turn: message.turn, level, message: text, ...(fields === undefined ? {} : { fields: plain(fields) }) })
        },
      })
      let end: GuestMessage
      try {
        const result = asResult(await scope.run(context, () => run(eventOf(message), context)))
        end = { t: 'completed', turn: message.turn, result, writes: own.writes(), unasked: replay.unasked() }
      } catch (thrown) {
        end = { t: 'threw', turn: message.turn, error: thrownError(thrown), unasked: replay.unasked() }
      }
      // A turn that core has ended is dead here, too; its next attempt may already be open under the same id.
      if (signal.aborted) return
      open.delete(message.turn)
      post(end)
      leaveIfAsked()
    }

    const leaveIfAsked = (): void => {
      if (asked && open.size === 0) port.close()
    }

    port.listen((text) => {
      const message = JSON.parse(text) as CoreMessage
      if (message.t === 'turn') void begin(message)
      else if (message.t === 'reply') calls.reply(message)
      else {
        open.get(message.turn)?.abort(codedError({ code: 'ABORTED', message: `core has ended this turn: ${message.reason}` }))
        open.delete(message.turn)
        leaveIfAsked()
      }
    })
    port.asked(() => {
      asked = true
      // Core has drained: what is open is cut here and goes on in the next life.
      for (const ending of open.values()) ending.abort()
      open.clear()
      leaveIfAsked()
    })
    post({ t: 'ready' })
  }
}

/** The function to run, from whatever an entrypoint may export. */
function runOf(exported: unknown): AgentRun {
  const candidates = [exported, (exported as { default?: unknown })?.default, (exported as { default?: { default?: unknown } })?.default?.default]
  for (const candidate of candidates) {
    if (typeof candidate === 'function') return candidate as AgentRun
    const run = (candidate as { run?: unknown } | null | undefined)?.run
    if (typeof run === 'function') return run.bind(candidate) as AgentRun
  }
  throw codedError({
    code: 'BUNDLE_FAILED',
    message: `expected the entrypoint to export a function or an object with run() by default, found ${typeof (exported as { default?: unknown })?.default}`,
  })
}

function eventOf({ event }: TurnMessage): AgentEvent {
  const { event_id, trigger_id, type, timestamp, payload, metadata } = event
  return { eventId: event_id, triggerId: trigger_id, type, timestamp, payload, metadata }
}

function asResult(value: unknown): unknown {
  if (value === undefined || value === null) return null
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw codedError({ code: 'INVALID_ARGUMENT', message: `run() gave a result that is no JSON: ${(error as Error).message}` })
  }
  if (text === undefined) throw codedError({ code: 'INVALID_ARGUMENT', message: `run() gave a ${typeof value}, which is no JSON` })
  if (Buffer.byteLength(text) > resultBytes) throw codedError({ code: 'TOO_LARGE', message: `run() gave a result of ${Buffer.byteLength(text)} bytes, at most ${resultBytes} are taken` })
  return JSON.parse(text)
}

/** Log fields never fail a turn. */
function plain(fields: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(fields) ?? 'null')
  } catch {
    return String(fields)
  }
}
