import { type Clock, limits } from '@vigil/protocol'

const windowMs = 60_000

/** What a server says goes to the log of its agent, so much in a minute. */
export function boundedLog(clock: Clock, write: (text: string) => void): (text: string) => void {
  let since = clock.monotonic()
  let left: number = limits.serverLogBytes
  return (text) => {
    if (clock.monotonic() - since >= windowMs) {
      since = clock.monotonic()
      left = limits.serverLogBytes
    }
    if (left <= 0) return
    const line = text.trimEnd().slice(0, Math.min(left, limits.logLineBytes))
    left -= text.length
    if (line !== '') write(line)
    if (left <= 0) write('what more it says in this minute is left out')
  }
}
