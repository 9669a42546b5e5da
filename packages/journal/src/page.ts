import type { JournalRecord, PageQuery } from '@vigil/protocol'

/** Does a record belong on a page? */
export function matches(record: JournalRecord, query: PageQuery): boolean {
  return (
    record.process === query.process &&
    (query.type === undefined || record.type === query.type) &&
    (query.turn === undefined || record.turn === query.turn) &&
    (query.before === undefined || record.n < query.before) &&
    (query.after === undefined || record.n > query.after)
  )
}
