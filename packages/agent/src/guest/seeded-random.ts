import { createHash } from 'node:crypto'

/**
 * Chance that repeats itself: hash blocks of a seed and a counter. Each step has a generator of its own, because a
 * step that is answered from the record draws nothing and must not move the numbers that come after it.
 */
export interface SeededRandom {
  /** In [0, 1), 53 bits. */
  random(): number
  /** Version 4 by its form. */
  uuid(): string
}

export function seededRandom(seed: string): SeededRandom {
  let counter = 0
  const block = (): Buffer => createHash('sha256').update(`${seed}\n${counter++}`).digest()
  return {
    random: () => Number(block().readBigUInt64BE() >> 11n) / 2 ** 53,
    uuid() {
      const bytes = block().subarray(0, 16)
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
      const hex = bytes.toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
  }
}
