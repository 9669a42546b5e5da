/**
 * One frame of the wire between ring 0 and a cell, both directions:
 *
 *   u32 length of the rest | 16 bytes token | entries: u32 slot, u32 bytes, utf8 text
 *
 * The pipe is shared by all threads of a cell, so a hostile guest may write to it. Therefore nothing here throws
 * and nothing is believed before the token: node's own IPC channel fails on forged bytes with an uncaught exception
 * in the parent, and buffers without end on a forged length.
 */
export const tokenBytes = 16
/** Guests have slots from 1. */
export const hubSlot = 0

const headBytes = 4 + tokenBytes
const entryHeadBytes = 8

export interface Entry {
  readonly slot: number
  readonly text: string
}

export function encodeFrame(token: Uint8Array, entries: readonly Entry[]): Buffer {
  let size = headBytes
  const lengths = entries.map(({ text }) => {
    const bytes = Buffer.byteLength(text)
    size += entryHeadBytes + bytes
    return bytes
  })
  const frame = Buffer.allocUnsafe(size)
  frame.writeUInt32BE(size - 4, 0)
  frame.set(token, 4)
  let at = headBytes
  entries.forEach(({ slot, text }, index) => {
    const bytes = lengths[index] ?? 0
    frame.writeUInt32BE(slot, at)
    frame.writeUInt32BE(bytes, at + 4)
    frame.write(text, at + entryHeadBytes, bytes, 'utf8')
    at += entryHeadBytes + bytes
  })
  return frame
}

export type Decoded = { readonly entries: readonly Entry[] } | { readonly forged: string }

export interface FrameDecoder {
  /** Gives what became whole; after one `forged` it gives nothing more. */
  push(chunk: Buffer): Decoded[]
}

/** `token` undefined: believe any (the hub's side, whose other end is ring 0). */
export function frameDecoder(token: Uint8Array | undefined, maxFrameBytes: number): FrameDecoder {
  let chunks: Buffer[] = []
  let held = 0
  let dead = false

  /** The first `count` bytes without copying a long frame again for each chunk of it. */
  const head = (count: number): Buffer => {
    const first = chunks[0] as Buffer
    if (first.length >= count) return first
    chunks = [Buffer.concat(chunks)]
    return chunks[0] as Buffer
  }

  const next = (): Decoded | undefined => {
    if (held < headBytes) return undefined
    const start = head(headBytes)
    const length = start.readUInt32BE(0)
    if (length < tokenBytes || length > maxFrameBytes) return { forged: `a frame of ${length} bytes` }
    if (token !== undefined && !start.subarray(4, headBytes).equals(token))
      return { forged: 'a frame without the token of this cell' }
    if (held < 4 + length) return undefined
    const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    const rest = all.subarray(4 + length)
    chunks = rest.length === 0 ? [] : [rest]
    held = rest.length
    return decodeEntries(all.subarray(headBytes, 4 + length))
  }

  return {
    push(chunk) {
      const frames: Decoded[] = []
      if (dead) return frames
      chunks.push(chunk)
      held += chunk.length
      for (let frame = next(); frame !== undefined; frame = next()) {
        frames.push(frame)
        if ('forged' in frame) {
          dead = true
          chunks = []
          break
        }
      }
      return frames
    },
  }
}

function decodeEntries(body: Buffer): Decoded {
  const entries: Entry[] = []
  let at = 0
  while (at < body.length) {
    if (body.length - at < entryHeadBytes) return { forged: 'an entry without a whole head' }
    const slot = body.readUInt32BE(at)
    const bytes = body.readUInt32BE(at + 4)
    const end = at + entryHeadBytes + bytes
    if (end > body.length) return { forged: 'an entry longer than its frame' }
    entries.push({ slot, text: body.toString('utf8', at + entryHeadBytes, end) })
    at = end
  }
  return { entries }
}
