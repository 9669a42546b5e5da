import { limits, type ModelMessage } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { committedConversation, noConversation } from './conversation-fold.ts'

const said = (...texts: string[]): ModelMessage[] => texts.map((text) => ({ role: 'user', text }))
const texts = ({ messages }: typeof noConversation) => messages.map(({ message }) => message.text)

test('what a turn adds gets numbers of its own, also when another has added meanwhile', () => {
  const first = committedConversation(noConversation, { append: said('a', 'b') })
  const second = committedConversation(first, { append: said('c') })
  expect(second.messages.map(({ n }) => n)).toEqual([1, 2, 3])
  expect(second).toMatchObject({ last: 3, upto: 0, summary: '' })
})

test('a summary stands for what it was made of, and not for what others have added since', () => {
  const three = committedConversation(noConversation, { append: said('a', 'b', 'c') })
  const summed = committedConversation(three, { append: said('d'), summary: 'a and b', upto: 2 })
  expect(texts(summed)).toEqual(['c', 'd'])
  expect(summed).toMatchObject({ summary: 'a and b', upto: 2, last: 4 })
})

test('of two turns that let go of messages the one that goes further has the word', () => {
  const four = committedConversation(noConversation, { append: said('a', 'b', 'c', 'd') })
  const far = committedConversation(four, { append: [], summary: 'a to c', upto: 3 })
  const late = committedConversation(far, { append: said('e'), summary: 'a', upto: 1 })
  expect(texts(late)).toEqual(['d', 'e'])
  expect(late.summary).toBe('a to c')
})

test('who never lets go of anything keeps the newest that fit', () => {
  const many = said(...Array.from({ length: limits.conversationMessages + 5 }, (_, index) => `${index}`))
  const counted = committedConversation(noConversation, { append: many })
  expect(counted.messages).toHaveLength(limits.conversationMessages)
  expect(texts(counted)[0]).toBe('5')
  const large = committedConversation(noConversation, { append: said('x'.repeat(limits.conversationChars), 'y') })
  expect(texts(large)).toEqual(['y'])
})
