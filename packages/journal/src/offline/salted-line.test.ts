import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkLine } from '../record-codec.ts'
import { saltedLine } from './salted-line.ts'

test('a line can be given any crc', () => {
  const anyCrc = fc.nat({ max: 0xffffffff })
  fc.assert(
    fc.property(anyCrc, anyCrc, fc.string({ maxLength: 300 }), (chain, target, behind) => {
      const { text, crc } = saltedLine((salt) => `{"salt":"${salt}","x":${JSON.stringify(behind)}`, chain, target)
      expect(crc).toBe(target)
      expect(checkLine(Buffer.from(text.slice(0, -1)), chain)).toBe(target)
      expect(JSON.parse(text).x).toBe(behind)
    }),
  )
})
