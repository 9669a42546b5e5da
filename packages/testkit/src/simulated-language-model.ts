import {
  type Clock,
  type EmbedCall,
  type ErrorCode,
  type LanguageModel,
  type ModelCall,
  type ModelFailure,
  type ModelReply,
  type ModelUsage,
  VigilError,
} from '@vigil/protocol'

/** A call of a tool, as a script says it. */
export interface SimulatedToolCall {
  readonly tool: string
  readonly input?: unknown
}

/** What the model says next: a text, calls of tools, or how it fails. A string is a text. */
export type SimulatedAnswer =
  | string
  | {
      readonly text?: string
      readonly tool?: string
      readonly input?: unknown
      readonly tools?: readonly SimulatedToolCall[]
      readonly finish?: ModelReply['finish']
      readonly usage?: ModelUsage
    }
  | { readonly error: ErrorCode; readonly message?: string; readonly failure?: Partial<ModelFailure> }

/** The next answer for each call, whoever makes it. */
export type ModelScript = (call: ModelCall) => SimulatedAnswer

/** A call that a provider would send a bill for, also when nobody heard the answer. */
export interface BilledCall {
  readonly model: string
  readonly atMs: number
  readonly usage: ModelUsage
}

export interface SimulatedLanguageModel extends LanguageModel {
  /** Every call that arrived, oldest first. */
  readonly asked: readonly ModelCall[]
  readonly billed: readonly BilledCall[]
}

export interface SimulatedLanguageModelOptions {
  readonly clock: Clock
  /** How long a call takes on the way there, and back; default 5 each. */
  readonly delayMs?: () => number
}

export interface ScriptedModel extends ModelScript {
  /** Answers that nobody has asked for yet. */
  readonly left: number
}

/**
 * Answers in turn, one for each call; behind the last comes `MODEL_REFUSED`, which nobody tries again.
 *
 * @example
 * scripted([{ tool: 'add_label', input: { label: 'bug' } }, { text: 'done' }])
 */
export function scripted(answers: readonly SimulatedAnswer[]): ScriptedModel {
  let next = 0
  const script: ModelScript = () =>
    answers[next++] ?? { error: 'MODEL_REFUSED', message: `the script has no more than ${answers.length} answers` }
  return Object.defineProperty(script, 'left', { get: () => Math.max(0, answers.length - next) }) as ScriptedModel
}

/** Models without a network: each call is answered by a script, and billed by what was sent and said. */
export function simulatedLanguageModel(
  script: ModelScript,
  { clock, delayMs = () => 5 }: SimulatedLanguageModelOptions,
): SimulatedLanguageModel {
  const asked: ModelCall[] = []
  const billed: BilledCall[] = []

  const travel = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => {
        timer.cancel()
        reject(failed('MODEL_UNAVAILABLE', 'the caller gave up', { sent: 1, unknown: true }))
      }
      if (signal.aborted) return giveUpAtOnce(reject)
      const timer = clock.setTimer(delayMs(), () => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      })
      signal.addEventListener('abort', giveUp, { once: true })
    })

  return {
    asked,
    billed,
    async generate(call, signal) {
      await travel(signal)
      asked.push(call)
      const answer = script(call)
      if (typeof answer === 'object' && 'error' in answer) {
        await travel(signal)
        throw failed(answer.error, answer.message ?? 'as the script has it', { sent: 1, ...answer.failure })
      }
      const reply = replyOf(call, typeof answer === 'string' ? { text: answer } : answer, asked.length)
      billed.push({ model: `${call.provider.name}:${call.model}`, atMs: clock.monotonic(), usage: reply.usage })
      await travel(signal)
      return reply
    },
    async embed(call, signal) {
      await travel(signal)
      const usage = { input: bytesOf(call.texts), output: 0 }
      billed.push({ model: `${call.provider.name}:${call.model}`, atMs: clock.monotonic(), usage })
      await travel(signal)
      return { vectors: call.texts.map(vectorOf), usage, model: call.model }
    },
  }
}

const giveUpAtOnce = (reject: (error: VigilError) => void): void =>
  reject(failed('MODEL_UNAVAILABLE', 'the caller gave up', { sent: 0 }))

function failed(code: ErrorCode, message: string, details: ModelFailure): VigilError {
  return new VigilError(code, message, { details })
}

type Said = Exclude<SimulatedAnswer, string | { readonly error: ErrorCode }>

function replyOf(call: ModelCall, said: Said, nth: number): Omit<ModelReply, 'usd'> {
  const { text = '', tool, input, tools = tool === undefined ? [] : [{ tool, input }] } = said
  const calls = tools.map((each, place) => ({
    id: `call_${nth}_${place}`,
    name: each.tool,
    arguments: JSON.stringify(each.input ?? {}),
  }))
  const output = Math.ceil(bytesOf([text, calls]) / 4)
  return {
    text,
    calls,
    finish: said.finish ?? (calls.length > 0 ? 'tools' : 'stop'),
    usage: said.usage ?? {
      input: Math.ceil(bytesOf(call.messages) / 4),
      output: Math.min(output, call.max_output_tokens),
    },
    model: call.model,
  }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

const dimensions = 8

function vectorOf(text: EmbedCall['texts'][number]): string {
  const bytes = Buffer.alloc(dimensions * 4)
  for (let place = 0; place < dimensions; place += 1) bytes.writeFloatLE(text.charCodeAt(place) || 0, place * 4)
  return bytes.toString('base64')
}
