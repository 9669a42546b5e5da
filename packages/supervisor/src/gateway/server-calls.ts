import { type ErrorCode, type ServerToolResult, VigilError } from '@vigil/protocol'
import type { ToServerLane } from './messages.ts'

/** Calls of one connection that wait for the server. */
export interface ServerCalls {
  make(tool: string, input: unknown, signal: AbortSignal): Promise<ServerToolResult>
  resolve(call: number, result: ServerToolResult): void
  reject(call: number, code: ErrorCode, message: string): void
  /** Nothing comes any more, and each may have been done. */
  abandon(reason: string): void
}

interface Waiting {
  readonly end: (settle: () => void) => void
  readonly resolve: (result: ServerToolResult) => void
  readonly reject: (error: unknown) => void
}

export function serverCalls(server: string, say: (message: ToServerLane) => void, gaveUp: () => void): ServerCalls {
  const waiting = new Map<number, Waiting>()
  let ids = 0

  const settle = (call: number, act: (waiting: Waiting) => void): void => {
    const found = waiting.get(call)
    if (found === undefined) return
    waiting.delete(call)
    found.end(() => act(found))
  }

  return {
    make(tool, input, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<ServerToolResult>()
      ids += 1
      const call = ids
      const giveUp = (): void => {
        say({ kind: 'cancel', call, reason: (signal.reason as Error).message })
        settle(call, () => reject(signal.reason))
        gaveUp()
      }
      const end = (act: () => void): void => {
        signal.removeEventListener('abort', giveUp)
        act()
      }
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.set(call, { end, resolve, reject })
      say({ kind: 'call', call, tool, input })
      return promise
    },
    resolve: (call, result) => settle(call, (mine) => mine.resolve(result)),
    reject: (call, code, message) => settle(call, (mine) => mine.reject(new VigilError(code, message))),
    abandon(reason) {
      const message = `the server "${server}" ended in the middle of the call, which may have been done: ${reason}`
      for (const call of [...waiting.keys()])
        settle(call, ({ reject }) => reject(new VigilError('SERVER_FAILED', message)))
    },
  }
}
