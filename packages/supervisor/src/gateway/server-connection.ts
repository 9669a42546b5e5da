import { MessageChannel } from 'node:worker_threads'
import type { ServerProcess, ServerProcesses } from '@vigil/isolate/host'
import {
  type Clock,
  type ServerAddress,
  type ServerConnection,
  type ServerListener,
  stopLadder,
  VigilError,
} from '@vigil/protocol'
import { boundedLog } from './bounded-log.ts'
import type { GatewayLink } from './gateway-link.ts'
import type { FromServerLane, LaneAddress, ToServerLane } from './messages.ts'
import { serverCalls } from './server-calls.ts'

export interface ServerConnectionParts {
  readonly link: Pick<GatewayLink, 'attach' | 'suspect'>
  readonly programs: Pick<ServerProcesses, 'start'>
  readonly clock: Clock
}

/** One connection: a lane to its client in the gateway thread, and the program behind it, if it is one. */
export function connectServer(
  { link, programs, clock }: ServerConnectionParts,
  server: string,
  address: ServerAddress,
  listener: ServerListener,
): ServerConnection & { readonly gone: Promise<void> } {
  const { port1: lane, port2: theirs } = new MessageChannel()
  const say = (message: ToServerLane, handedOver: ArrayBuffer[] = []): void => lane.postMessage(message, handedOver)
  // A thread that hangs answers nothing.
  const calls = serverCalls(server, say, link.suspect)
  const log = boundedLog(clock, listener.output)
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  let program: ServerProcess | undefined
  let over = false

  const end = (reason: string): void => {
    if (over) return
    over = true
    lane.close()
    theirs.close()
    program?.stop()
    calls.abandon(reason)
    listener.ended(reason)
    void (program?.gone ?? Promise.resolve()).then(resolve)
  }

  const heard = (message: FromServerLane): void => {
    if (over) return
    switch (message.kind) {
      case 'write':
        return program?.write(message.text)
      case 'taken':
        return program?.taken(message.bytes)
      case 'ready':
        return listener.ready(message.tools)
      case 'note':
        return log(message.text)
      case 'result':
        return calls.resolve(message.call, message.result)
      case 'failed':
        return calls.reject(message.call, message.code, message.message)
      case 'ended':
        return end(message.reason)
    }
  }
  lane.on('message', heard)
  lane.on('close', () => end('the gateway thread is gone'))

  const attach = (at: LaneAddress): void => {
    if (!over) link.attach({ kind: 'server', lane: theirs, address: at }, theirs)
  }
  if (address.kind === 'http') attach(address)
  else {
    program = programs.start(address, {
      bytes(chunk) {
        if (!over) say({ kind: 'bytes', bytes: chunk }, [chunk.buffer as ArrayBuffer])
      },
      stderr(text) {
        if (!over) log(text)
      },
      ended: end,
    })
    program.noted.then(
      () => attach({ kind: 'stdio' }),
      () => undefined,
    )
  }

  return {
    gone,
    async call(tool, input, signal) {
      signal.throwIfAborted()
      if (over) throw new VigilError('SERVER_UNAVAILABLE', `the connection to the server "${server}" is closed`)
      return await calls.make(tool, input, signal)
    },
    async close() {
      if (!over) say({ kind: 'close' })
      program?.stop()
      const late = clock.setTimer(stopLadder.askMs, () => end('it was closed'))
      await gone
      late.cancel()
    },
  }
}
