import { crc32 } from 'node:zlib'
import { type Line, seal } from '../record-codec.ts'

/**
 * A line whose crc is the one that the line behind it was written to continue, though the line that stood here is lost. A
 * CRC is linear: each bit of the salt flips a fixed pattern of it, so the salt is the solution of 32 equations.
 */
export function saltedLine(body: (salt: string) => string, chain: number, target: number): Line {
  const crcWith = (letters: Uint8Array): number => crc32(body(Buffer.from(letters).toString('latin1')), chain)
  const blank = new Uint8Array(saltLetters).fill(firstLetter)
  const base = crcWith(blank)
  const patterns = Array.from({ length: saltLetters * bitsOfLetter }, (_, bit) => crcWith(flipped(blank, [bit])) ^ base)
  const bits = combination(patterns, base ^ target)
  return seal(body(Buffer.from(flipped(blank, bits)).toString('latin1')), chain)
}

/** `@` to `O`: sixteen letters, one for each value of the lower four bits. */
const firstLetter = 64
const bitsOfLetter = 4
const saltLetters = 12

function flipped(letters: Uint8Array, bits: readonly number[]): Uint8Array {
  const result = letters.slice()
  for (const bit of bits) {
    const at = Math.floor(bit / bitsOfLetter)
    result[at] = (result[at] as number) ^ (1 << (bit % bitsOfLetter))
  }
  return result
}

/** Which of the patterns, each used once or not at all, make up `wanted`. */
function combination(patterns: readonly number[], wanted: number): number[] {
  /** By its highest bit: a pattern and what it was made of. */
  const basis = new Map<number, { readonly pattern: number; readonly of: Set<number> }>()
  const reduced = (start: number, of: Set<number>) => {
    let pattern = start
    let parts = of
    for (let top = 31 - Math.clz32(pattern); pattern !== 0; top = 31 - Math.clz32(pattern)) {
      const known = basis.get(top)
      if (known === undefined) break
      pattern ^= known.pattern
      parts = parts.symmetricDifference(known.of)
    }
    return { pattern, of: parts }
  }
  for (const [bit, pattern] of patterns.entries()) {
    const left = reduced(pattern, new Set([bit]))
    if (left.pattern !== 0) basis.set(31 - Math.clz32(left.pattern), left)
  }
  const { pattern, of } = reduced(wanted, new Set())
  if (pattern !== 0) throw new Error(`expected 32 independent patterns, found ${basis.size}`)
  return [...of]
}
