import { codedError } from './coded-error.ts'

/**
 * What goes out over a channel: gathered until the loop turns, so that a thousand items cost a few messages, and held
 * back by what core has not taken yet. What is sent beyond that is dropped, and counted for those who listen.
 */
export interface Outbox {
  /** False: dropped. @throws TOO_LARGE */
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
/** In one message, and sent without having been taken. */
const batchItems = 256
const batchBytes = 256_000
const mostItems = 1_024
const mostBytes = 1_000_000

export function outbox(post: (items: string[], lost: number) => void, nextTurn: (act: () => void) => void): Outbox {
  let gathered: { readonly text: string; readonly bytes: number }[] = []
  const underWay: { readonly items: number; readonly bytes: number }[] = []
  let items = 0
  let bytes = 0
  let lost = 0
  let isOpen = false
  let isPlanned = false
  let last: (() => void) | undefined

  const batchFrom = (start: number): { end: number; size: number } => {
    let end = start
    let size = 0
    for (; end < gathered.length && end - start < batchItems; end += 1) {
      const more = gathered[end]?.bytes ?? 0
      if (end > start && size + more > batchBytes) break
      size += more
    }
    return { end, size }
  }

  const flush = (): void => {
    isPlanned = false
    if (!isOpen) return
    for (let start = 0; start < gathered.length; ) {
      const { end, size } = batchFrom(start)
      post(
        gathered.slice(start, end).map(({ text }) => text),
        lost,
      )
      underWay.push({ items: end - start, bytes: size })
      lost = 0
      start = end
    }
    gathered = []
  }

  /** Also what was dropped behind the last item. */
  const flushAll = (): void => {
    flush()
    if (!isOpen || lost === 0) return
    post([], lost)
    underWay.push({ items: 0, bytes: 0 })
    lost = 0
  }

  return {
    add(text) {
      const size = Buffer.byteLength(text)
      if (size > itemBytes) {
        const message = `an item has ${size} bytes, at most ${itemBytes} go over a channel`
        throw codedError({ code: 'TOO_LARGE', message, help: 'Keep large data in a file and send its path.' })
      }
      if (items >= mostItems || bytes + size > mostBytes) {
        lost += 1
        return false
      }
      items += 1
      bytes += size
      gathered.push({ text, bytes: size })
      if (!isPlanned) nextTurn(flush)
      isPlanned = true
      return true
    },
    open() {
      isOpen = true
      flush()
      if (last === undefined) return
      flushAll()
      last()
    },
    taken() {
      const batch = underWay.shift()
      items -= batch?.items ?? 0
      bytes -= batch?.bytes ?? 0
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
