import type { ConversationMessage, ModelMessage } from '@vigil/protocol'

/** How much of a conversation a model is shown. */
export interface WindowLimits {
  readonly messages: number
  readonly tokens: number
}

export interface Fitted {
  /** The newest, with no call that lacks its results and no result that lacks its call. */
  readonly kept: readonly ConversationMessage[]
  readonly fallen: readonly ConversationMessage[]
}

/** The truth is the usage that providers report; a tokenizer would boot in every thread. */
const charactersPerToken = 3.5
/** What each message costs beside its text. */
const tokensOfMessage = 4

export function estimatedTokens(message: ModelMessage): number {
  const calls = message.role === 'assistant' ? (message.calls ?? []) : []
  const characters = calls.reduce((sum, call) => sum + call.name.length + call.arguments.length, message.text.length)
  return Math.ceil(characters / charactersPerToken) + tokensOfMessage
}

/** All of it while it fits; past that the oldest fall out until half of the room is free, so that it does not happen in every turn. */
export function fitted(messages: readonly ConversationMessage[], limits: WindowLimits): Fitted {
  if (fits(messages, limits)) return { kept: messages, fallen: [] }
  const half = { messages: Math.floor(limits.messages / 2), tokens: limits.tokens / 2 }
  let from = messages.length
  let tokens = 0
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const { message } = messages[index] as ConversationMessage
    tokens += estimatedTokens(message)
    if (tokens > half.tokens || messages.length - index > half.messages) break
    // A result stands behind its call: what begins with one would be torn.
    if (message.role !== 'tool') from = index
  }
  return { kept: messages.slice(from), fallen: messages.slice(0, from) }
}

const fits = (messages: readonly ConversationMessage[], limits: WindowLimits): boolean =>
  messages.length <= limits.messages &&
  messages.reduce((sum, { message }) => sum + estimatedTokens(message), 0) <= limits.tokens
