import type { GuestBoot, GuestPort } from '@vigil/isolate/guest'
import type { CoreMessage, GuestMessage, WriteSet } from '@vigil/protocol'
import type { AgentContext, AgentEvent, AgentRun } from '../context.ts'
import { systemCalls } from './calls.ts'
import { type TurnChannels, turnChannels } from './channel.ts'
import { abortedError, codedError, thrownError } from './coded-error.ts'
import { type Effects, turnEffects } from './effects.ts'
import type { installGlobals } from './globals.ts'
import { jsonText } from './json.ts'
import { logFields, logText } from './log-fields.ts'
import { payloadCheck } from './payload.ts'
import { replayOf } from './replay.ts'
import { secretLeases } from './secret-lease.ts'
import { committedState, type TurnState, turnState } from './state.ts'
import { type OutputSchema, outputSchema } from './thinking/output.ts'
import { type TurnThinking, turnThinking } from './thinking/thinking.ts'
import { type GuestTool, guestTools } from './tool.ts'
import { type ContextParts, turnContext } from './turn-context.ts'

type TurnMessage = Extract<CoreMessage, { t: 'turn' }>

type Completed = Extract<GuestMessage, { t: 'completed' }>
type Threw = Extract<GuestMessage, { t: 'threw' }>

interface OpenTurn {
  readonly ending: AbortController
  readonly effects: Effects
  readonly channels: TurnChannels
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
  /** Calls `act` after so many milliseconds, unless the returned function is called before. */
  readonly after: (ms: number, act: () => void) => () => void
}

/** One life of an agent in its thread: loads the module, says ready, runs turns until it is asked to end. */
export function guestMain(load: (module: GuestBoot['module'], rights: GuestBoot) => unknown, thread: GuestThread) {
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
    const leases = secretLeases(port, post)
    const open = new Map<string, OpenTurn>()
    /** Completed here and not yet there: core may ask to do updates once more. */
    const settling = new Map<string, { readonly own: TurnState; readonly end: Completed }>()
    let asked = false

    let agent: LoadedAgent
    try {
      agent = agentIn(load(boot.module, boot))
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
      const log: ContextParts['log'] = (level, text, fields) => {
        // What was said in the first life need not be said again; an attempt after a throw is new and speaks.
        if (open.get(turn) !== self || (message.crashed && replay.replaying)) return
        const shown = fields === undefined ? {} : { fields: logFields(fields) }
        post({ t: 'log', turn, level, message: logText(text), ...shown })
      }
      const warn = (text: string, fields: unknown): void => log('warn', text, fields)
      const effects = turnEffects({
        process: boot.process,
        turn: { id: turn, attempt: message.attempt, epoch: message.epoch, seed: message.seed },
        replay,
        calls,
        signal,
        after: thread.after,
        warn,
      })
      const own = turnState(committed.apply(message), mayWrite(message.writable, effects))
      const channels = turnChannels({
        turn,
        signal,
        open: (name, channel) => effects.call('channel', name, { channel, name }),
        post,
        nextTurn: thread.nextTurn,
      })
      const self: OpenTurn = { ending, effects, channels }
      open.set(turn, self)
      const { process, env } = boot
      let thinking: TurnThinking | undefined
      /** Made when it is first wanted: most turns of code do not think. */
      const mind = (): TurnThinking => {
        thinking ??= turnThinking({ ...{ message, effects, ...agent, warn }, context: () => context })
        return thinking
      }
      const context: AgentContext = turnContext({
        process,
        env,
        message,
        effects,
        tools: agent.tools,
        state: own.state,
        channel: channels.channel,
        lease: (name, use) => leases.lease(turn, name, use, signal),
        think: (request, options) => mind().think(request, options),
        signal,
        log,
      })
      let end: Completed | Threw
      try {
        const run = agent.run ?? mind().turn
        const result = asResult(
          await scope.run(context, async () => run(await agent.accept(eventOf(message)), context)),
        )
        await channels.opened()
        if (effects.diverged !== undefined) throw effects.diverged
        const writes = withConversation(own.writes(), thinking?.writes())
        end = { t: 'completed', turn, result, writes, unasked: replay.unasked() }
      } catch (thrown) {
        end = { t: 'threw', turn, error: thrownError(effects.diverged ?? thrown), unasked: replay.unasked() }
      }
      // A turn that core has ended is dead here, too; its next attempt may already be open under the same id.
      if (open.get(turn) !== self) return
      open.delete(turn)
      effects.end()
      channels.end()
      if (end.t === 'completed' && end.writes.updated !== undefined) settling.set(turn, { own, end })
      finish(end)
      rest()
    }

    const finish = (end: Completed | Threw): void => {
      if (post(end)) return
      settling.delete(end.turn)
      post({ t: 'threw', turn: end.turn, error: tooMuchWritten, unasked: end.unasked })
    }

    const reapply = ({ turn, ...newer }: Extract<CoreMessage, { t: 'reapply' }>): void => {
      const done = settling.get(turn)
      if (done === undefined) return
      try {
        done.own.rebase(newer)
        finish({ ...done.end, writes: withConversation(done.own.writes(), done.end.writes.conversation) })
      } catch (thrown) {
        settling.delete(turn)
        finish({ t: 'threw', turn, error: thrownError(thrown), unasked: done.end.unasked })
      }
    }

    const giveUp = (turn: string, reason: string): void => {
      const dead = open.get(turn)
      open.delete(turn)
      settling.delete(turn)
      dead?.ending.abort(abortedError(`turn ${turn}`, reason))
    }

    /** What is open is never answered, and so no `catch` or `finally` of the author runs for a turn that has not ended. */
    const release = (turn: string): void => {
      const left = open.get(turn)
      open.delete(turn)
      left?.effects.end()
      left?.channels.end()
      rest()
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
      else if (message.t === 'lease.refused') leases.refused(message.id, message.error)
      else if (message.t === 'reapply') reapply(message)
      else if (message.t === 'settled') settling.delete(message.turn)
      else if (message.t === 'release') release(message.turn)
      else if (message.t !== 'cancel') open.get(message.turn)?.channels.hear(message)
      else {
        giveUp(message.turn, message.reason)
        post({ t: 'cancelled', turn: message.turn })
        rest()
      }
    })
    port.asked(() => {
      asked = true
      // Core has drained: what is open stands at a held call and goes on in the next life. It is not rejected, because
      // no `catch` or `finally` of the author may run for a turn that has not ended.
      for (const { effects, channels } of open.values()) {
        effects.end()
        channels.end()
      }
      open.clear()
      rest()
    })
    const tools = [...agent.tools.values()].map(({ declaration }) => declaration)
    post({ t: 'ready', ...(tools.length === 0 ? {} : { tools }) })
  }
}

const withConversation = (writes: WriteSet, conversation: WriteSet['conversation']): WriteSet =>
  conversation === undefined ? writes : { ...writes, conversation }

/** What a replay answers from the record is not run again, so a write in there would be lost. */
function mayWrite(writable: readonly string[] | undefined, effects: Effects): (key: string) => void {
  return (key) => {
    if (effects.inStep) {
      const message = `state may not be written inside a step or a tool ("${key}"): after a crash that is not run again`
      throw codedError({
        code: 'INVALID_STATE',
        message,
        help: 'Return the value and write it behind the step or the call.',
      })
    }
    if (writable === undefined || writable.includes(key)) return
    const line = `context: { writable_keys: [${[...writable, key].join(', ')}] }`
    const message = `the state key "${key}" may not be written; change in the manifest: ${line}`
    throw codedError({ code: 'STATE_DENIED', message })
  }
}

interface LoadedAgent {
  /** Absent: its model runs. */
  readonly run: AgentRun | undefined
  /** The event with the payload as the schema makes it. */
  readonly accept: (event: AgentEvent) => AgentEvent | Promise<AgentEvent>
  readonly tools: ReadonlyMap<string, GuestTool>
  readonly result: OutputSchema | undefined
}

type Exported = Partial<Record<'run' | 'payload' | 'tools' | 'result', unknown>>

/** The function to run, from whatever an entrypoint may export, and what stands beside it. */
function agentIn(exported: unknown): LoadedAgent {
  // The default export first: a module may have a `run` of its own beside it.
  const byDefault = (exported as { default?: { default?: unknown } } | undefined)?.default
  const candidates = [byDefault, byDefault?.default, exported]
  for (const candidate of candidates) {
    if (typeof candidate === 'function') return loaded({}, candidate as AgentRun)
    const { run } = (candidate ?? {}) as Exported
    if (typeof run === 'function') return loaded(candidate as Exported, run.bind(candidate) as AgentRun)
  }
  const thinks = candidates.find((each): each is Exported => isWithoutRun(each, each !== exported))
  if (thinks !== undefined) return loaded(thinks, undefined)
  throw codedError({
    code: 'BUNDLE_FAILED',
    message: `expected the entrypoint to export a function or an object with run() by default, found ${typeof byDefault}`,
  })
}

/** Something to think with, or a default that holds nothing at all; anything else is a mistake of its author. */
const isWithoutRun = (candidate: unknown, isDefault: boolean): boolean =>
  typeof candidate === 'object' &&
  candidate !== null &&
  !('run' in candidate) &&
  (['tools', 'result', 'payload'].some((part) => part in candidate) ||
    (isDefault && Object.keys(candidate).length === 0))

function loaded({ payload, tools, result }: Exported, run: AgentRun | undefined): LoadedAgent {
  const check = payloadCheck(payload)
  return {
    run,
    accept:
      check === undefined ? (event) => event : async (event) => ({ ...event, payload: await check(event.payload) }),
    tools: guestTools(tools),
    result: result === undefined || run !== undefined ? undefined : outputSchema(result as Record<string, unknown>),
  }
}

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
