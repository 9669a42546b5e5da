import type { JSONRPCMessage } from '@modelcontextprotocol/client'
import type { Clock } from '@vigil/protocol'

const windowMs = 60_000
const mostInWindow = 10_000

/** Messages that nobody asked for cost the thread of all servers its time: who sends too many of them is given up. */
export function floodGuard(clock: Clock, broken: (reason: string) => void): (message: JSONRPCMessage) => void {
  let since = clock.monotonic()
  let count = 0
  return (message) => {
    if (!('method' in message)) return
    if (clock.monotonic() - since >= windowMs) {
      since = clock.monotonic()
      count = 0
    }
    count += 1
    if (count === mostInWindow + 1)
      broken(`it sent more than ${mostInWindow} messages in a minute that nobody asked for`)
  }
}
