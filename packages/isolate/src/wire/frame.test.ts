import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Decoded, type Entry, encodeFrame, frameDecoder } from './frame.ts'

const token = Buffer.alloc(16, 7)
const entries = fc.array(fc.record({ slot: fc.nat(1_000), text: fc.string({ unit: 'binary', maxLength: 50 }) }), {
  maxLength: 20,
})

const decodeInPieces = (bytes: Buffer, size: number): Decoded[] => {
  const decoder = frameDecoder(token, 1_000_000)
  const frames: Decoded[] = []
  for (let at = 0; at < bytes.length; at += size) frames.push(...decoder.push(bytes.subarray(at, at + size)))
  return frames
}

test('any frames cut into any pieces come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(entries, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 100 }), (frames, size) => {
      const wellFormed = frames.map((frame) => frame.map((entry) => ({ ...entry, text: entry.text.toWellFormed() })))
      const bytes = Buffer.concat(wellFormed.map((frame) => encodeFrame(token, frame)))
      expect(decodeInPieces(bytes, size)).toEqual(wellFormed.map((frame) => ({ entries: frame })))
    }),
  )
})

test('whatever bytes come, the decoder neither throws nor believes them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
      for (const frame of decodeInPieces(Buffer.from(bytes), size)) expect(frame).toHaveProperty('forged')
    }),
  )
})

test('after a forgery nothing is believed, not even an honest frame', () => {
  const honest: Entry[] = [{ slot: 1, text: 'honest' }]
  const decoder = frameDecoder(token, 1_000)
  expect(decoder.push(Buffer.alloc(40, 1))).toEqual([{ forged: expect.stringContaining('bytes') }])
  expect(decoder.push(encodeFrame(token, honest))).toEqual([])
})

test('a frame over the limit is forged before its body is waited for', () => {
  const decoder = frameDecoder(token, 100)
  const frame = encodeFrame(token, [{ slot: 1, text: 'x'.repeat(200) }])
  expect(decoder.push(frame.subarray(0, 24))).toEqual([{ forged: 'a frame of 224 bytes' }])
})
