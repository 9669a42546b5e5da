import { readSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'

/** The file descriptor of the lane (see byte-lane.ts of the host). */
const lane = 4

/** Memory that this cell shares with one guest, for as long as it is lent. */
export interface LentMemory {
  /** So many bytes are in the lane already. */
  lend(id: number, bytes: number): void
  /** Zeroes it, whoever looks at it. */
  takeBack(id: number): void
  takeBackAll(): void
}

export function lentMemory(worker: Worker): LentMemory {
  const lent = new Map<number, Uint8Array>()

  const takeBack = (id: number): void => {
    lent.get(id)?.fill(0)
    lent.delete(id)
  }

  return {
    lend(id, length) {
      const memory = new Uint8Array(new SharedArrayBuffer(length))
      // Straight into the place where they are zeroed: a socket of node's would leave them in buffers of its own.
      for (let at = 0; at < length; ) {
        const read = readSync(lane, memory, at, length - at, null)
        if (read === 0) return void memory.fill(0)
        at += read
      }
      lent.set(id, memory)
      worker.postMessage({ lent: { id, memory: memory.buffer } })
    },
    takeBack,
    takeBackAll() {
      for (const id of [...lent.keys()]) takeBack(id)
    },
  }
}
