import type { ModelMessage, ModelRequest } from '@vigil/protocol'
import type { FilterScope } from '../../triggers/filter/evaluate.ts'
import { fencedIn } from './fenced.ts'

/** What rules see of a request: its last message, the event that it began with, and what was called since. */
export function sceneOf({ messages, purpose }: ModelRequest): FilterScope {
  const last = messages.at(-1)
  const begin = messages.findLastIndex(({ role, text }) => role === 'user' && fencedIn(text).has('payload'))
  const event = fencedIn(messages[begin]?.text ?? '')
  const since = messages.slice(begin + 1)
  const called = since.flatMap((message) => (message.role === 'assistant' ? (message.calls ?? []) : []))
  return {
    role: last?.role,
    text: last?.text,
    tool: last?.role === 'tool' ? (called.find(({ id }) => id === last.id)?.name ?? '') : '',
    result: last?.role === 'tool' ? resultIn(last) : null,
    payload: event.get('payload') ?? null,
    metadata: event.get('metadata') ?? null,
    results: Object.fromEntries(resultsIn(since, called)),
    called: called.map(({ name }) => name),
    step: since.filter(({ role }) => role === 'assistant').length,
    purpose,
  }
}

const resultIn = ({ text }: ModelMessage): unknown => [...fencedIn(text).values()].at(-1) ?? text

function* resultsIn(
  messages: readonly ModelMessage[],
  called: readonly { readonly id: string; readonly name: string }[],
): Generator<[string, unknown]> {
  for (const message of messages) {
    if (message.role !== 'tool') continue
    const name = called.find(({ id }) => id === message.id)?.name
    if (name !== undefined) yield [name, resultIn(message)]
  }
}
