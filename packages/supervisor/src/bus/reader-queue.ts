import { limits } from '@vigil/protocol'

/** What waits in ring 0 for one reader of a channel, and how much more it may be given. The newest is kept, the rest counted. */
export interface ReaderQueue {
  add(items: readonly string[]): void
  /** The reader has read so many more. */
  grant(items: number): void
  /** The next batch that may go, or undefined. */
  take(): { readonly items: string[]; readonly lost: number } | undefined
}

export function readerQueue(): ReaderQueue {
  const waiting = sizedQueue()
  /** Its length alone matters: the reader has these. */
  const unread = sizedQueue()
  let lost = 0

  const mayHaveMore = (): boolean =>
    unread.length < limits.channelWaiting && unread.bytes < limits.channelWaitingBytes && waiting.length > 0

  return {
    add(items) {
      for (const item of items) waiting.push(item)
      while (waiting.length > limits.channelWaiting || waiting.bytes > limits.channelWaitingBytes) {
        waiting.shift()
        lost += 1
      }
    },
    grant(items) {
      // A guest may say anything, but it cannot have read more than it was given.
      for (let read = Math.min(items, unread.length); read > 0; read -= 1) unread.shift()
    },
    take() {
      if (!mayHaveMore()) return undefined
      const items: string[] = []
      while (mayHaveMore()) {
        const item = waiting.shift()
        unread.push(item)
        items.push(item)
      }
      const batch = { items, lost }
      lost = 0
      return batch
    },
  }
}

function sizedQueue() {
  const texts: string[] = []
  let bytes = 0
  return {
    get length() {
      return texts.length
    },
    get bytes() {
      return bytes
    },
    push(text: string): void {
      texts.push(text)
      bytes += Buffer.byteLength(text)
    },
    shift(): string {
      const text = texts.shift() ?? ''
      bytes -= Buffer.byteLength(text)
      return text
    },
  }
}
