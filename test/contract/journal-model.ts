import type { JournalPage, JournalRecord, PageQuery } from '@vigil/protocol'

/** What a journal is, without a disk: a list of records of which a beginning is certain. */
export interface JournalModel {
  /** Durable: no death takes these away. */
  readonly certain: readonly JournalRecord[]
  /** Batches that were given places, and of which nobody was told that they are durable. */
  readonly possible: readonly (readonly JournalRecord[])[]
  /** Newest certain record that the newest round of checkpoints holds. */
  readonly checkpoint: number
}

export const emptyModel: JournalModel = { certain: [], possible: [], checkpoint: 0 }

export const everything = ({ certain, possible }: JournalModel): JournalRecord[] => [...certain, ...possible.flat()]

export const appended = (model: JournalModel, batch: readonly JournalRecord[]): JournalModel => ({
  ...model,
  possible: [...model.possible, batch],
})

/** Everything up to `seq` is durable. */
export function acknowledged(model: JournalModel, seq: number): JournalModel {
  const count = model.possible.findIndex((batch) => (batch.at(-1)?.seq ?? 0) > seq)
  const sure = count === -1 ? model.possible.length : count
  return {
    ...model,
    certain: [...model.certain, ...model.possible.slice(0, sure).flat()],
    possible: model.possible.slice(sure),
  }
}

/** What may be there after a death, the shortest first: whole batches, in their order. */
export const survivals = ({ certain, possible }: JournalModel): JournalRecord[][] =>
  [0, ...possible.map((_, index) => index + 1)].map((count) => [...certain, ...possible.slice(0, count).flat()])

/** The next life begins with what was found. */
export const reopened = (model: JournalModel, found: readonly JournalRecord[]): JournalModel => ({
  ...model,
  certain: found,
  possible: [],
})

export function paged(records: readonly JournalRecord[], query: PageQuery): JournalPage {
  const { process, type, turn, before = Number.POSITIVE_INFINITY, after = 0, limit, order } = query
  const fitting = records.filter(
    (record) =>
      record.process === process &&
      (type === undefined || record.type === type) &&
      (turn === undefined || record.turn === turn) &&
      record.n < before &&
      record.n > after,
  )
  return { records: (order === 'oldest_first' ? fitting : fitting.reverse()).slice(0, limit), damaged: [] }
}

export const tailed = (records: readonly JournalRecord[], cursor: number, limit: number): JournalRecord[] =>
  records.filter(({ seq }) => seq > cursor).slice(0, limit)

/** The places of a process have no gaps, whatever was lost. */
export function gaps(records: readonly JournalRecord[]): string[] {
  const places = new Map<string, number>()
  return records.flatMap(({ process, n, seq }, index) => {
    const before = places.get(process) ?? 0
    places.set(process, n)
    return n === before + 1 && seq === index + 1 ? [] : [`record ${seq} has place ${n} in ${process}`]
  })
}
