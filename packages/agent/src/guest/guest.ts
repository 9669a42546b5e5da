import type { GuestBoot, GuestPort } from '@vigil/isolate/guest'
import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import type { AgentEvent, AgentRun } from '../context.ts'
import { systemCalls } from './calls.ts'
import { abortedError, codedError, thrownError } from './coded-error.ts'
import { type Effects, turnEffects } from './effects.ts'
import { installGlobals } from './globals.ts'
import { jsonText } from './json.ts'
import { logFields, logText } from './log-fields.ts'
import { payloadCheck } from './payload.ts'
import { replayOf } from './replay.ts'
import { committedState, turnState } from './state.ts'
import { turnContext } from './turn-context.ts'

type TurnMessage = Extract<CoreMessage, { t: 'turn' }>

interface OpenTurn {
  readonly ending: AbortController
  readonly effects: Effects
}

const resultBytes = 1_000_000

/** Core ends the cell of a guest that sends a longer message, in characters. */
const messageLength = 24_000_000

const tooMuchWritten = {
  code: 'TOO_LARGE',
  message: 'run() wrote more state in one turn than one message can carry',
  retry: false,
}

/** What a guest has of its thread. */
export interface GuestThread {
  /** Makes `fetch` and `console` those of the turn that calls them. */
  readonly takeGlobals: typeof installGlobals
  /** Calls `act` in the next turn of the event loop, when every promise that is ready has run. */
  readonly nextTurn: (act: () => void) => void
}

const realThread: GuestThread = { takeGlobals: installGlobals, nextTurn: setImmediate }

/** One life of an agent in its thread: loads the module, says ready, runs turns until it is asked to end. */
export function guestMain(
  load: (module: GuestBoot['module'], rights: GuestBoot) => unknown,
  thread: GuestThread = realThread,
) {
  return (boot: GuestBoot, port: GuestPort): void => {
    const post = (message: GuestMessage): boolean => {
      const text = JSON.stringify(message)
      if (text.length > messageLength) return false
      port.post(text)
      return true
    }
    const scope = thread.takeGlobals((level, message) => void post({ t: 'log', level, message: logText(message) }))
    const calls = systemCalls(post)
    const committed = committedState()
    const open = new Map<string, OpenTurn>()
    let asked = false

    let run: AgentRun
    try {
      run = runOf(load(boot.module, boot))
    } catch (thrown) {
      post({ t: 'unready', error: thrownError(thrown) })
      return
    }

    const begin = async (message: TurnMessage): Promise<void> => {
      const { turn } = message
      // Core speaks of one attempt at a time: a new one means that the last is dead.
      giveUp(turn, 'a new attempt has begun')
      const ending = new AbortController()
      const { signal } = ending
      const replay = replayOf(Date.parse(message.started_at), message.recorded, thread.nextTurn)
      const own = turnState(committed.apply(message.state))
      const effects = turnEffects({ turn, seed: message.seed, replay, calls, signal })
      const self: OpenTurn = { ending, effects }
      open.set(turn, self)
      const context = turnContext({
        process: boot.process,
        env: boot.env,
        message,
        effects,
        state: own.state,
        signal,
        log(level, text, fields) {
          // What was said in the first life need not be said again; an attempt after a throw is new and speaks.
          if (open.get(turn) !== self || (message.crashed && replay.replaying)) return
          post({
            t: 'log',
            turn,
            level,
            message: logText(text),
            ...(fields === undefined ? {} : { fields: logFields(fields) }),
          })
        },
      })
      let end: GuestMessage
      try {
        const result = asResult(await scope.run(context, () => run(eventOf(message), context)))
        if (effects.diverged !== undefined) throw effects.diverged
        end = { t: 'completed', turn, result, writes: own.writes(), unasked: replay.unasked() }
      } catch (thrown) {
        end = { t: 'threw', turn, error: thrownError(effects.diverged ?? thrown), unasked: replay.unasked() }
      }
      // A turn that core has ended is dead here, too; its next attempt may already be open under the same id.
      if (open.get(turn) !== self) return
      open.delete(turn)
      effects.end()
      if (!post(end)) post({ t: 'threw', turn, error: tooMuchWritten, unasked: replay.unasked() })
      rest()
    }

    const giveUp = (turn: string, reason: string): void => {
      const dead = open.get(turn)
      open.delete(turn)
      dead?.ending.abort(abortedError(turn, reason))
    }

    const rest = (): void => {
      if (open.size > 0) return
      calls.clear()
      if (asked) port.close()
    }

    port.listen((text) => {
      const message = JSON.parse(text) as CoreMessage
      if (message.t === 'turn') void begin(message)
      else if (message.t === 'reply') calls.reply(message)
      else {
        giveUp(message.turn, message.reason)
        rest()
      }
    })
    port.asked(() => {
      asked = true
      // Core has drained: what is open stands at a held call and goes on in the next life. It is not rejected, because
      // no `catch` or `finally` of the author may run for a turn that has not ended.
      for (const { effects } of open.values()) effects.end()
      open.clear()
      rest()
    })
    post({ t: 'ready' })
  }
}

/** The function to run, from whatever an entrypoint may export. */
function runOf(exported: unknown): AgentRun {
  // The default export first: a module may have a `run` of its own beside it.
  const byDefault = (exported as { default?: { default?: unknown } } | undefined)?.default
  const candidates = [byDefault, byDefault?.default, exported]
  for (const candidate of candidates) {
    if (typeof candidate === 'function') return candidate as AgentRun
    const { run, payload } = (candidate ?? {}) as { run?: unknown; payload?: unknown }
    if (typeof run === 'function') return checking(payloadCheck(payload), run.bind(candidate) as AgentRun)
  }
  throw codedError({
    code: 'BUNDLE_FAILED',
    message: `expected the entrypoint to export a function or an object with run() by default, found ${typeof byDefault}`,
  })
}

const checking = (check: ReturnType<typeof payloadCheck>, run: AgentRun): AgentRun =>
  check === undefined ? run : async (event, ctx) => run({ ...event, payload: await check(event.payload) }, ctx)

function eventOf({ event }: TurnMessage): AgentEvent {
  const { event_id, trigger_id, type, timestamp, payload, metadata } = event
  return { eventId: event_id, triggerId: trigger_id, type, timestamp, payload, metadata }
}

function asResult(value: unknown): unknown {
  const text = jsonText(value, 'the result of run()')
  const bytes = Buffer.byteLength(text)
  if (bytes > resultBytes) {
    const message = `run() gave a result of ${bytes} bytes, at most ${resultBytes} are taken`
    throw codedError({ code: 'TOO_LARGE', message })
  }
  return JSON.parse(text)
}
