import type { ModelReply, ModelUsage, ToolRequest } from '@vigil/protocol'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'

/** What a stream of deltas says, put together. */
export interface ChatDeltas {
  add(chunk: ChatCompletionChunk): void
  /** Bytes of text and arguments so far. */
  readonly bytes: number
  /** Undefined: the model has not said that it is at its end. */
  reply(options: ReplyOptions): Omit<ModelReply, 'usd'> | undefined
}

export interface ReplyOptions {
  /** It was cut here, or ended without a word why. */
  readonly end?: 'length' | 'stop' | undefined
  /** Where the provider does not say what it has used. */
  readonly estimate: (outputBytes: number) => ModelUsage
  readonly model: string
}

interface Call {
  id: string
  name: string
  arguments: string
}

const longestName = 256
const mostCalls = 128

export function chatDeltas(): ChatDeltas {
  const calls = new Map<number, Call>()
  let text = ''
  let bytes = 0
  let finish: string | undefined
  let refused = false
  let model: string | undefined
  let usage: ModelUsage | undefined

  const addCall = (delta: ChatCompletionChunk.Choice.Delta.ToolCall): void => {
    // Some send each call whole and number none.
    const index = delta.index ?? placeOf(delta.id)
    if (!calls.has(index) && calls.size >= mostCalls) return
    const call = calls.getOrInsertComputed(index, () => ({ id: '', name: '', arguments: '' }))
    call.id ||= (delta.id ?? '').slice(0, longestName)
    const { name = '', arguments: args = '' } = delta.function ?? {}
    call.name = (call.name + (name ?? '')).slice(0, longestName)
    call.arguments += args ?? ''
    bytes += Buffer.byteLength(args ?? '')
  }
  const placeOf = (id: string | undefined): number => {
    const known = [...calls].find(([, call]) => call.id === id)
    return known === undefined ? calls.size : known[0]
  }

  return {
    add(chunk) {
      model ??= chunk.model
      if (chunk.usage) usage = usageOf(chunk.usage)
      const [choice] = chunk.choices ?? []
      if (choice === undefined) return
      const { content, refusal, tool_calls: made } = choice.delta ?? {}
      refused ||= typeof refusal === 'string' && refusal !== ''
      const said = (content ?? '') + (refusal ?? '')
      text += said
      bytes += Buffer.byteLength(said)
      for (const call of made ?? []) addCall(call)
      finish = choice.finish_reason ?? finish
    },
    get bytes() {
      return bytes
    },
    reply({ end, estimate, model: asked }) {
      if (finish === undefined && end === undefined) return undefined
      const made = [...calls.entries()]
        .sort(([a], [b]) => a - b)
        .map(([index, call]): ToolRequest => ({ ...call, id: call.id || `call_${index}` }))
      return {
        text,
        calls: made,
        finish: end === 'length' ? 'length' : finishOf(finish, { refused, calls: made.length }),
        usage: usage ?? estimate(bytes),
        model: model || asked,
      }
    },
  }
}

function finishOf(
  reason: string | undefined,
  said: { readonly refused: boolean; readonly calls: number },
): ModelReply['finish'] {
  if (reason === 'length') return 'length'
  if (reason === 'content_filter' || said.refused) return 'filter'
  // Some say stop when they ask for tools.
  return said.calls > 0 ? 'tools' : 'stop'
}

function usageOf(usage: NonNullable<ChatCompletionChunk['usage']>): ModelUsage | undefined {
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details } = usage
  if (!isCount(input) || !isCount(output)) return undefined
  const cached = details?.cached_tokens
  const written = (details as { readonly cache_write_tokens?: unknown } | undefined)?.cache_write_tokens
  return {
    input,
    output,
    ...(isCount(cached) && cached > 0 ? { cache_read: Math.min(cached, input) } : {}),
    ...(isCount(written) && written > 0 ? { cache_write: Math.min(written, input) } : {}),
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
