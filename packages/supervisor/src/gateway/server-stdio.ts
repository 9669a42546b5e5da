import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { lineFrames } from './line-frames.ts'
import type { FromServerLane } from './messages.ts'

/** The transport over the streams of a program, which core has. */
export interface StdioTransport extends Transport {
  /** What the program wrote. */
  bytes(chunk: Uint8Array): void
}

/** Programs print to stdout what belongs to stderr; one that does nothing else is no server. */
const mostNoise = 100

/** `broken` hears why nothing more can be understood. */
export function stdioTransport(
  tell: (message: FromServerLane) => void,
  broken: (reason: string) => void,
): StdioTransport {
  const frames = lineFrames()
  let noise = 0
  let closed = false

  const read = (line: string): void => {
    if (line.trim() === '') return
    const message = parsed(line)
    if (message !== undefined) return transport.onmessage?.(message)
    noise += 1
    tell({ kind: 'note', text: line.slice(0, 500) })
    if (noise >= mostNoise) broken(`it wrote ${noise} lines to stdout that are no message`)
  }

  const transport: StdioTransport = {
    async start() {},
    async send(message) {
      tell({ kind: 'write', text: `${JSON.stringify(message)}\n` })
    },
    async close() {
      if (closed) return
      closed = true
      transport.onclose?.()
    },
    bytes(chunk) {
      if (closed) return
      tell({ kind: 'taken', bytes: chunk.byteLength })
      try {
        for (const line of frames.add(chunk)) if (!closed) read(line)
      } catch (error) {
        broken((error as Error).message)
      }
    },
  }
  return transport
}

/** What it is beyond that, the client looks at. */
function parsed(line: string): JSONRPCMessage | undefined {
  try {
    const message = JSON.parse(line) as JSONRPCMessage | null
    return typeof message === 'object' && message?.jsonrpc === '2.0' ? message : undefined
  } catch {
    return undefined
  }
}
