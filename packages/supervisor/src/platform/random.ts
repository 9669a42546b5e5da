import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from '@vigil/protocol'

const fractionBits = 2 ** 53

/** Randomness of the operating system; nothing of it can be foreseen. */
export function systemRandom(): Random {
  return {
    // 53 bits are what a float in [0, 1) can hold evenly.
    next: () => Number(randomBytes(8).readBigUInt64LE() >> 11n) / fractionBits,
    uuid: () => randomUUID(),
    bytes: (length) => new Uint8Array(randomBytes(length)),
  }
}
