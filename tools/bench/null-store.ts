import { appender, places } from '@vigil/journal'
import { type Clock, endlessSpace, type JournalStore } from '@vigil/protocol'

/** A journal that keeps nothing: what the path costs without one. Its flushes gather like those of a file, and take no time. */
export function nullStore(clock: Clock): JournalStore {
  const lines = appender({ clock, given: places(), lineOf: () => '', write: () => Promise.resolve() })
  const nothing = { records: [], damaged: [] }
  return {
    report: {},
    space: endlessSpace,
    failed: lines.failed,
    get lastSeq() {
      return lines.lastSeq
    },
    get durableSeq() {
      return lines.durableSeq
    },
    append: lines.append,
    durable: lines.durable,
    onFlush: lines.onFlush,
    replay: async () => 0,
    page: async () => nothing,
    tail: async () => nothing,
    onDamage: () => () => undefined,
    saveCheckpoint: async () => undefined,
    loadCheckpoint: async () => undefined,
    close: lines.close,
  }
}
