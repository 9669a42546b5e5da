/**
 * Bounds how many calls core works on at once. One noisy fleet of 64 agents with 256 calls each would hold
 * the event loop for 30-50 ms; with 1,024 in all it is 5 ms. Waiting processes are served in turn, one call each.
 */
export interface Credits {
  /** Runs `begin` as soon as a credit is free. */
  acquire(process: string, begin: () => void): void
  release(): void
}

export function credits(total: number): Credits {
  let free = total
  const waiting = new Map<string, (() => void)[]>()

  return {
    acquire(process, begin) {
      if (free > 0) {
        free -= 1
        begin()
        return
      }
      const queue = waiting.get(process)
      if (queue === undefined) waiting.set(process, [begin])
      else queue.push(begin)
    },
    release() {
      const first = waiting.entries().next()
      if (first.done === true) {
        free += 1
        return
      }
      const [process, queue] = first.value
      const begin = queue.shift()
      // Whoever was served goes to the end of the line.
      waiting.delete(process)
      if (queue.length > 0) waiting.set(process, queue)
      begin?.()
    },
  }
}
