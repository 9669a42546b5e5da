import { limits } from '@vigil/protocol'

/** Lines out of chunks, none longer than a message may be. */
export interface LineFrames {
  /** @throws RangeError for a line that is too long */
  add(chunk: Uint8Array): string[]
}

export function lineFrames(longest: number = limits.serverMessageBytes): LineFrames {
  let parts: Uint8Array[] = []
  let held = 0
  return {
    add(chunk) {
      const lines: string[] = []
      let from = 0
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, from)) {
        const line = Buffer.concat([...parts, chunk.subarray(from, at)])
        parts = []
        held = 0
        from = at + 1
        if (line.byteLength > longest) throw tooLong(longest)
        lines.push(line.toString())
      }
      if (from < chunk.byteLength) {
        parts.push(chunk.subarray(from))
        held += chunk.byteLength - from
      }
      if (held > longest) throw tooLong(longest)
      return lines
    },
  }
}

const tooLong = (longest: number): RangeError => new RangeError(`it sent a line of more than ${longest} bytes`)
