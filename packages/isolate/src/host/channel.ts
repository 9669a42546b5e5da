import type { Socket } from 'node:net'
import { limits } from '../wire/caps.ts'
import { type Entry, frameDecoder, tokenBytes } from '../wire/frame.ts'
import { frameQueue } from '../wire/frame-queue.ts'

/** Ring 0's end of the wire to one cell. */
export interface Channel {
  send(entry: Entry): void
  /** Believe nothing more that arrives. */
  close(): void
}

export interface ChannelListener {
  entry(entry: Entry): void
  /** Somebody who does not know the token wrote to the pipe. */
  forged(how: string): void
  /** The cell does not read what it is sent. */
  stuck(): void
}

/** Frames to the cell carry no token: a guest that reads the pipe must not learn it. */
const blank = Buffer.alloc(tokenBytes)

export function openChannel(socket: Socket, token: Uint8Array, listener: ChannelListener): Channel {
  let closed = false
  const decoder = frameDecoder(token, limits.frameBytes)
  // The cell dies with unread data in the pipe: its exit tells more than EPIPE does.
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    for (const frame of decoder.push(chunk)) {
      if (closed) return
      if ('forged' in frame) return listener.forged(frame.forged)
      for (const entry of frame.entries) listener.entry(entry)
    }
  })
  const send = frameQueue(blank, { entries: limits.batchEntries, bytes: limits.batchBytes }, (frame) => {
    if (socket.destroyed || !socket.writable) return
    socket.write(frame)
    if (socket.writableLength > limits.unreadBytes) listener.stuck()
  })
  return {
    send,
    close() {
      closed = true
    },
  }
}
