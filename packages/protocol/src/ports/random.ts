/** Randomness as ring 0 sees it; the simulated twin is a seeded generator. */
export interface Random {
  /** A float in [0, 1). */
  next(): number
  /** A version 4 UUID. */
  uuid(): string
  /** `length` random bytes, from a cryptographic source in the real port. */
  bytes(length: number): Uint8Array
}
