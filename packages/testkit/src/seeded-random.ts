import type { Random } from '@vigil/protocol'

/**
 * Randomness that a seed decides: the same seed gives the same run, on every machine. The generator is
 * sfc32: small, fast and even enough for tests; it is no cryptographic source.
 */
export function seededRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1]

  const next32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // Neighbouring seeds begin alike until the state is mixed.
  for (let round = 0; round < 15; round++) next32()

  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => next32() & 0xff)

  return {
    next: () => ((next32() >>> 5) * 2 ** 26 + (next32() >>> 6)) / 2 ** 53,
    bytes,
    uuid() {
      const parts = bytes(16)
      // The version and variant bits of RFC 9562.
      parts[6] = ((parts[6] ?? 0) & 0x0f) | 0x40
      parts[8] = ((parts[8] ?? 0) & 0x3f) | 0x80
      return parts.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },
  }
}
