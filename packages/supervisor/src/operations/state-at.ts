import type { JournalRecord, JournalStore, RecordType, WriteSet } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { appliedWrites, writtenKeys } from '../fold/state-fold.ts'
import type { Manifest } from '../manifests/manifest.ts'

/** What the state of a process was, told from the log alone. */
export interface PastState {
  readonly values: ReadonlyMap<string, unknown>
  /** Keys whose value of then cannot be told any more: the record that gave it is older than what is kept. */
  readonly unknown: readonly string[]
}

const writers: readonly RecordType[] = ['process.deployed', 'state.patched', 'turn.completed', 'state.rewound']
const pageRecords = 1_000

/** The state right after record `n` of the process; its newest is its present one. */
export async function stateAt(journal: JournalStore, present: ProcessFold, n: number): Promise<PastState> {
  const process = present.name
  const [oldest] = (await journal.page({ process, limit: 1, order: 'oldest_first' })).records
  const past = pastState(oldest?.n === 1)
  for await (const record of recordsOf(journal, process)) {
    if (record.n <= n) past.apply(record)
    else past.later(record)
  }
  return past.ended(present.state)
}

/** Records that write state, oldest first; each type is paged by itself, because most records are of others. */
async function* recordsOf(journal: JournalStore, process: string): AsyncGenerator<JournalRecord> {
  const streams = await Promise.all(
    writers.map(async (type) => {
      let page: JournalRecord[] = []
      let after = 0
      const refill = async (): Promise<void> => {
        const query = { process, type, after, limit: pageRecords, order: 'oldest_first', bodies: 'named' } as const
        const { records } = await journal.page(query)
        page = [...records]
        after = page.at(-1)?.n ?? after
      }
      await refill()
      return {
        head: () => page[0],
        async take(): Promise<void> {
          page.shift()
          if (page.length === 0) await refill()
        },
      }
    }),
  )
  for (;;) {
    const next = streams
      .filter((stream) => stream.head() !== undefined)
      .toSorted((a, b) => (a.head()?.n ?? 0) - (b.head()?.n ?? 0))[0]
    const record = next?.head()
    if (next === undefined || record === undefined) return
    yield record
    await next.take()
  }
}

/** Pure. `isWhole`: the log begins with the first record of the process, so what it does not name was not there. */
export function pastState(isWhole: boolean) {
  /** Undefined: known not to be there; `lost`: it cannot be told. */
  const told = new Map<string, unknown>()
  const lost = Symbol('older than what is kept')
  const later = new Set<string>()
  const before = (key: string): unknown => (told.has(key) || isWhole ? told.get(key) : lost)
  const write = (writes: WriteSet): void => {
    const next = appliedWrites(told, writes)
    // What goes on top of something that cannot be told cannot be told either.
    for (const key of Object.keys({ ...writes.add, ...writes.append })) if (before(key) === lost) next.set(key, lost)
    for (const [key, value] of next) told.set(key, value)
  }
  return {
    apply: (record: JournalRecord): void => write(writesOf(record)),
    /** It came after the moment that is asked for. */
    later(record: JournalRecord): void {
      for (const key of writtenKeys(writesOf(record))) later.add(key)
    },
    ended(present: ReadonlyMap<string, unknown>): PastState {
      const values = new Map<string, unknown>()
      const unknown: string[] = []
      for (const key of new Set([...told.keys(), ...present.keys(), ...later])) {
        const unwritten = !told.has(key) && !isWhole && !later.has(key)
        const value = unwritten ? present.get(key) : before(key)
        if (value === lost) unknown.push(key)
        else if (value !== undefined) values.set(key, value)
      }
      return { values, unknown }
    },
  }
}

function writesOf(record: JournalRecord): WriteSet {
  switch (record.type) {
    case 'process.deployed': {
      // Only the first deploy gives state: later ones find a process that has one.
      const { context } = record.data.manifest as unknown as Manifest
      return record.data.revision === 1 ? { set: context.initialState } : {}
    }
    case 'state.patched':
    case 'state.rewound':
      return { set: record.data.set, ...('delete' in record.data ? { delete: record.data.delete } : {}) }
    case 'turn.completed':
      return record.data.writes
    default:
      return {}
  }
}
