import { codedError } from './coded-error.ts'

/**
 * What goes out over a channel: gathered until the loop turns, and then until core has taken the batch before, so that a
 * thousand items cost a few messages and nobody outruns those who listen.
 */
export interface Outbox {
  /** False: there is no room. @throws TOO_LARGE */
  add(text: string): boolean
  /** Core listens: from now on things go out. */
  open(): void
  /** Core has taken the oldest batch. */
  taken(): void
  flush(): void
  /** Flushes, then calls `last`, as soon as it is open. */
  close(last: () => void): void
}

const itemBytes = 64_000
/** In one message, and in all until core has taken them. */
const batchItems = 256
const batchBytes = 256_000
const mostItems = 1_024
const mostBytes = 1_000_000

export function outbox(post: (items: string[]) => void, nextTurn: (act: () => void) => void): Outbox {
  const gathered: { readonly text: string; readonly bytes: number }[] = []
  const underWay: { readonly items: number; readonly bytes: number }[] = []
  let items = 0
  let bytes = 0
  let isOpen = false
  let isPlanned = false
  let last: (() => void) | undefined

  const batchFrom = (): { end: number; size: number } => {
    let end = 0
    let size = 0
    for (; end < gathered.length && end < batchItems; end += 1) {
      const more = gathered[end]?.bytes ?? 0
      if (end > 0 && size + more > batchBytes) break
      size += more
    }
    return { end, size }
  }

  const sendBatch = (): void => {
    const { end, size } = batchFrom()
    post(gathered.splice(0, end).map(({ text }) => text))
    underWay.push({ items: end, bytes: size })
  }

  const flush = (): void => {
    isPlanned = false
    if (isOpen && underWay.length === 0 && gathered.length > 0) sendBatch()
  }

  /** Nobody will be there when the batch before has been taken. */
  const flushAll = (): void => {
    while (isOpen && gathered.length > 0) sendBatch()
  }

  return {
    add(text) {
      const size = Buffer.byteLength(text)
      if (size > itemBytes) {
        const message = `an item has ${size} bytes, at most ${itemBytes} go over a channel`
        throw codedError({ code: 'TOO_LARGE', message, help: 'Keep large data in a file and send its path.' })
      }
      if (items >= mostItems || bytes + size > mostBytes) return false
      items += 1
      bytes += size
      gathered.push({ text, bytes: size })
      if (!isPlanned) nextTurn(flush)
      isPlanned = true
      return true
    },
    open() {
      isOpen = true
      if (last === undefined) return flush()
      flushAll()
      last()
    },
    taken() {
      const batch = underWay.shift()
      items -= batch?.items ?? 0
      bytes -= batch?.bytes ?? 0
      flush()
    },
    flush: flushAll,
    close(whenFlushed) {
      last = whenFlushed
      if (!isOpen) return
      flushAll()
      last()
    },
  }
}
