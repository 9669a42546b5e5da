import type { Socket } from 'node:net'

/** Where the hub of a cell reads bytes that no string may hold. */
export const laneDescriptor = 4

/** Ring 0's end of the lane: bytes, and nothing that says what they are. */
export interface ByteLane {
  /** Copies the bytes; `sent` is called when the cell can read all of them, in the order of calls. The copy is zeroed by then. */
  write(bytes: Uint8Array, sent: () => void): void
}

export function byteLane(socket: Socket): ByteLane {
  // The cell is gone: its exit tells more.
  socket.on('error', () => undefined)
  return {
    write(bytes, sent) {
      // Neither of node's pool nor, as up to 64 bytes, in V8's heap, whose collector leaves copies of what it moves.
      const copy = Buffer.from(new ArrayBuffer(bytes.byteLength))
      copy.set(bytes)
      socket.write(copy, (error) => {
        copy.fill(0)
        if (!error) sent()
      })
    },
  }
}
