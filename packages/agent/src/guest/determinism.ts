import { hash } from 'node:crypto'

/** Randomness that a replay repeats: xoshiro128** seeded by the turn. Not for secrets: its seed is on record. */
export interface SeededRandom {
  random(): number
  uuid(): string
}

export function seededFrom(seed: string): SeededRandom {
  /** Drawn at the first use: most steps use no chance. */
  let drawn: [number, number, number, number] | undefined
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k))
  const next = (): number => {
    drawn ??= wordsOf(seed)
    const s = drawn
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3], 11)
    return result
  }
  return {
    random: () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992,
    uuid() {
      const hex = [next(), next(), next(), next()].map((word) => word.toString(16).padStart(8, '0')).join('')
      const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}

function wordsOf(seed: string): [number, number, number, number] {
  const digest = hash('sha256', seed, 'buffer')
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12)]
}
