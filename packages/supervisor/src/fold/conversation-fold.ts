import { type Conversation, type ConversationMessage, type ConversationWrites, limits } from '@vigil/protocol'

export const noConversation: Conversation = { summary: '', messages: [], upto: 0, last: 0 }

/** The conversation with what a turn adds to it. Of two that let go of messages the one that goes further has the word. */
export function committedConversation(
  before: Conversation,
  { append, summary, upto = 0 }: ConversationWrites,
): Conversation {
  const lets = upto > before.upto
  const kept = lets ? before.messages.filter(({ n }) => n > upto) : before.messages
  const added = append.map((message, index): ConversationMessage => ({ n: before.last + 1 + index, message }))
  return {
    summary: lets ? (summary ?? '') : before.summary,
    messages: withinLimits([...kept, ...added]),
    upto: lets ? upto : before.upto,
    last: before.last + added.length,
  }
}

/** The newest; a guest lets go of the old ones long before. */
function withinLimits(messages: readonly ConversationMessage[]): readonly ConversationMessage[] {
  let bytes = 0
  let from = Math.max(0, messages.length - limits.conversationMessages)
  for (let index = messages.length - 1; index >= from; index -= 1) {
    bytes += JSON.stringify(messages[index]?.message).length
    if (bytes > limits.conversationChars) from = index + 1
  }
  return from === 0 ? messages : messages.slice(from)
}
