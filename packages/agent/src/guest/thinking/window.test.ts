import type { ConversationMessage, ModelMessage } from '@vigil/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimatedTokens, fitted } from './window.ts'

/** A turn: what came, then calls with their results, then what was said. */
const turn = fc
  .tuple(fc.string({ maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }))
  .map(([text, rounds]): ModelMessage[] => [
    { role: 'user', text },
    ...rounds.flatMap((count, round): ModelMessage[] => {
      const ids = Array.from({ length: count }, (_, index) => `${round}.${index}`)
      const calls = ids.map((id) => ({ id, name: 'look', arguments: '{}' }))
      return [{ role: 'assistant', text, calls }, ...ids.map((id): ModelMessage => ({ role: 'tool', id, text }))]
    }),
    { role: 'assistant', text },
  ])
const conversation = fc
  .array(turn, { maxLength: 12 })
  .map((turns): ConversationMessage[] => turns.flat().map((message, index) => ({ n: index + 1, message })))

describe('a window', () => {
  it('is everything while that fits', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        expect(fitted(messages, { messages: 1_000, tokens: 1_000_000 })).toEqual({ kept: messages, fallen: [] })
      }),
    )
  })

  it('past that has at most half of the room, and tears no call from its results', () => {
    const limits = fc.record({ messages: fc.integer({ min: 2, max: 30 }), tokens: fc.integer({ min: 20, max: 400 }) })
    fc.assert(
      fc.property(conversation, limits, (messages, room) => {
        const { kept, fallen } = fitted(messages, room)
        expect([...fallen, ...kept]).toEqual(messages)
        if (fallen.length === 0) return
        expect(kept.length).toBeLessThanOrEqual(room.messages / 2)
        expect(kept.reduce((sum, { message }) => sum + estimatedTokens(message), 0)).toBeLessThanOrEqual(
          room.tokens / 2,
        )
        expect(kept[0]?.message.role).not.toBe('tool')
      }),
    )
  })

  it('counts the calls of an assistant, too', () => {
    const call = { id: 'a', name: 'look', arguments: 'x'.repeat(346) }
    expect(estimatedTokens({ role: 'assistant', text: '', calls: [call] })).toBe(104)
    expect(estimatedTokens({ role: 'assistant', text: '' })).toBe(4)
  })
})
