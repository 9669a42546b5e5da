import type { Socket } from 'node:net'
import { limits } from '../wire/caps.ts'
import { type Decoded, type Entry, frameDecoder, tokenBytes } from '../wire/frame.ts'
import { frameQueue } from '../wire/frame-queue.ts'
import type { Intake } from './intake.ts'

/** Ring 0's end of the wire to one cell. */
export interface Channel {
  send(entry: Entry): void
  /** Hears at once what has arrived and waits for its turn: the cell is dead, and what it said before counts. */
  drain(): void
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

export function openChannel(socket: Socket, token: Uint8Array, intake: Intake, listener: ChannelListener): Channel {
  let closed = false
  const decoder = frameDecoder(token, limits.frameBytes)
  let arrived: Iterator<Entry> = [].values()

  const open = function* (frames: readonly Decoded[]): Generator<Entry> {
    for (const frame of frames) {
      if ('forged' in frame) return listener.forged(frame.forged)
      yield* frame.entries
    }
  }
  const hearOne = (): boolean => {
    const entry = closed ? undefined : arrived.next().value
    if (entry !== undefined) listener.entry(entry)
    else if (socket.isPaused()) socket.resume()
    return entry !== undefined
  }

  // The cell dies with unread data in the pipe: its exit tells more than EPIPE does.
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    // One chunk at a time: what there is no time for waits in the pipe, and behind it on the cell's own account.
    socket.pause()
    arrived = open(decoder.push(chunk))
    intake({ hearOne })
  })
  const send = frameQueue(blank, { entries: limits.batchEntries, bytes: limits.batchBytes }, (frame) => {
    if (socket.destroyed || !socket.writable) return
    socket.write(frame)
    if (socket.writableLength > limits.unreadBytes) listener.stuck()
  })
  return {
    send,
    drain() {
      while (hearOne());
    },
    close() {
      closed = true
    },
  }
}
