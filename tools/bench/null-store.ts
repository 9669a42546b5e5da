import { endlessSpace, type JournalRecord, type JournalStore } from '@vigil/protocol'

/** A journal that keeps nothing and makes nobody wait: what the path costs without one. */
export function nullStore(): JournalStore {
  let seq = 0
  const done = Promise.resolve()
  const listeners = new Set<(durableSeq: number) => void>()
  return {
    report: {},
    space: endlessSpace,
    get lastSeq() {
      return seq
    },
    get durableSeq() {
      return seq
    },
    append(drafts) {
      const at = new Date().toISOString()
      const records = drafts.map((draft) => {
        seq += 1
        return { ...draft, seq, n: seq, at } as JournalRecord
      })
      queueMicrotask(() => {
        for (const listener of listeners) listener(seq)
      })
      return records
    },
    durable: () => done,
    onFlush(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    failed: new Promise(() => undefined),
    replay: () => Promise.resolve(0),
    page: () => Promise.resolve({ records: [], damaged: [] }),
    tail: () => Promise.resolve({ records: [], damaged: [] }),
    onDamage: () => () => undefined,
    saveCheckpoint: () => done,
    loadCheckpoint: () => Promise.resolve(undefined),
    close: () => done,
  }
}
