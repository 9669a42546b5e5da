/** Finds many patterns of eight bytes and more in one pass over a text, however many they are. */
export interface FormIndex {
  /** Where patterns stand between 0 and `end`, in order; what overlaps is one place. */
  find(text: Uint8Array, end: number): readonly Found[]
  /** Forgets everything. */
  zero(): void
}

export interface Found {
  readonly from: number
  to: number
  readonly name: string
}

export interface Pattern {
  readonly name: string
  readonly bytes: Uint8Array
}

/** As many bytes as the shortest pattern has. */
const windowBytes = 8
const base = 0x01000193
const mix = 0x9e3779b1
/** What the byte that leaves the window has become. */
const leaving = Array.from({ length: windowBytes - 1 }).reduce<number>((power) => Math.imul(power, base), 1)

/** In the middle: keys of one service begin alike, and PEM files begin and end alike. */
const anchorOf = ({ bytes }: Pattern): number => (bytes.length - windowBytes) >> 1

/**
 * A hash rolls over the text; a small table of bits says for nearly every place that no pattern has these eight bytes in its middle. Numbers and
 * lists of the patterns that are given; none of their bytes are copied.
 */
export function formIndex(patterns: readonly Pattern[]): FormIndex {
  const bits = Math.min(22, Math.max(12, Math.ceil(Math.log2(patterns.length * 32))))
  const shift = 32 - bits
  const filter = new Uint8Array(2 ** (bits - 3))
  const hashes = new Int32Array(patterns.length)
  const chains = new Map<number, number[]>()
  for (const [k, pattern] of patterns.entries()) {
    const anchor = anchorOf(pattern)
    let hash = 0
    for (let at = anchor; at < anchor + windowBytes; at += 1)
      hash = (Math.imul(hash, base) + (pattern.bytes[at] as number)) | 0
    const slot = Math.imul(hash, mix) >>> shift
    filter[slot >> 3] = (filter[slot >> 3] as number) | (1 << (slot & 7))
    hashes[k] = hash
    const chain = chains.get(slot)
    if (chain === undefined) chains.set(slot, [k])
    else chain.push(k)
  }

  const startsAt = (text: Uint8Array, end: number, from: number, { bytes }: Pattern): boolean => {
    if (from < 0 || from + bytes.length > end) return false
    for (let k = 0; k < bytes.length; k += 1) if (text[from + k] !== bytes[k]) return false
    return true
  }

  const look = (text: Uint8Array, end: number, at: number, hash: number, found: Found[]): void => {
    for (const k of chains.get(Math.imul(hash, mix) >>> shift) ?? []) {
      const pattern = patterns[k] as Pattern
      const from = at - anchorOf(pattern)
      if (hashes[k] === hash && startsAt(text, end, from, pattern))
        found.push({ from, to: from + pattern.bytes.length, name: pattern.name })
    }
  }

  return {
    find(text, end) {
      if (end < windowBytes) return []
      const found: Found[] = []
      let hash = 0
      for (let at = 0; at < windowBytes - 1; at += 1) hash = (Math.imul(hash, base) + (text[at] as number)) | 0
      for (let at = windowBytes - 1; at < end; at += 1) {
        hash = (Math.imul(hash, base) + (text[at] as number)) | 0
        const slot = Math.imul(hash, mix) >>> shift
        const first = at - windowBytes + 1
        if (((filter[slot >> 3] as number) & (1 << (slot & 7))) !== 0) look(text, end, first, hash, found)
        hash = (hash - Math.imul(text[first] as number, leaving)) | 0
      }
      return merged(found)
    },
    zero() {
      filter.fill(0)
      hashes.fill(0)
      chains.clear()
    },
  }
}

function merged(found: Found[]): Found[] {
  if (found.length < 2) return found
  found.sort((a, b) => a.from - b.from || b.to - a.to)
  const whole: Found[] = []
  for (const each of found) {
    const last = whole.at(-1)
    if (last !== undefined && each.from < last.to) last.to = Math.max(last.to, each.to)
    else whole.push(each)
  }
  return whole
}
