import { type ErrorCode, VigilError } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { replyOf } from './reply.ts'

const took = (eventId: string, duplicate = false) => ({ accepted: true, eventId, duplicate }) as const
const failed = (code: ErrorCode) => new VigilError(code, code)
const filtered = { accepted: false, reason: 'filter' } as const

it('is accepted if any accepts, and says of the others what a sender may know', () => {
  expect(replyOf([took('a')], [])).toEqual(took('a'))
  expect(
    replyOf([took('a'), took('b', true), filtered], [failed('MAILBOX_FULL'), failed('WEBHOOK_UNVERIFIED')]),
  ).toEqual({
    accepted: true,
    eventId: 'a',
    duplicate: false,
    eventIds: ['a', 'b'],
    refused: ['MAILBOX_FULL'],
  })
  expect(replyOf([took('a', true), took('b', true)], [])).toMatchObject({ duplicate: true })
})

it('else says first what may pass, then that nobody wants it, then what says most', () => {
  const thrown = (errors: readonly Error[], taken: Parameters<typeof replyOf>[0] = []) => {
    try {
      return replyOf(taken, errors)
    } catch (error) {
      return (error as VigilError).code
    }
  }
  expect(thrown([failed('KEY_CONFLICT'), failed('MAILBOX_FULL')], [filtered])).toBe('MAILBOX_FULL')
  expect(thrown([failed('WEBHOOK_UNVERIFIED')], [filtered])).toEqual(filtered)
  expect(thrown([failed('SOURCE_DENIED'), failed('WEBHOOK_UNVERIFIED'), failed('KEY_CONFLICT')])).toBe('KEY_CONFLICT')
  expect(thrown([failed('SOURCE_DENIED'), failed('UNAUTHORIZED')])).toBe('UNAUTHORIZED')
  expect(thrown([failed('SOURCE_DENIED')])).toBe('SOURCE_DENIED')
})
