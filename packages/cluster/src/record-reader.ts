import { type JournalRecord, type JournalStore, type PageQuery, upcast, VigilError } from '@vigil/protocol'
import type { Database, Row, Statement } from './database.ts'

const columns = 'seq, at, process, n, epoch, type, v, turn, data'
const pieceRecords = 1_000
const pieceBytes = 1_000_000

/** As many records from a place on as fit into a piece, at least one: a record may be large, and a thousand of them too much. */
const piece = `
  SELECT ${columns} FROM (
    SELECT *, sum(octet_length(data)) OVER (ORDER BY seq) - octet_length(data) AS bytes_before FROM (
      SELECT ${columns} FROM vigil_record
      WHERE log = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT least($4, ${pieceRecords})
    ) AS next
  ) AS measured WHERE bytes_before < ${pieceBytes} ORDER BY seq`

/** Reads what of a log is durable, in pieces. The database answers for its own bytes: a page has no damage to tell of. */
export type RecordReader = Pick<JournalStore, 'replay' | 'page' | 'tail'>

export function recordReader(database: Database, log: number, durableSeq: () => number): RecordReader {
  const next = async (after: number, upTo: number, limit = pieceRecords): Promise<JournalRecord[]> =>
    (await database.read({ name: 'piece', text: piece, values: [log, after, upTo, limit] })).map(recordOf)

  return {
    async replay(after, visit) {
      const upTo = durableSeq()
      let reached = after
      while (reached < upTo) {
        const records = await next(reached, upTo)
        for (const record of records) {
          if (record.seq !== reached + 1) throw missing(reached + 1)
          reached = record.seq
          visit(record)
        }
        if (records.length === 0) throw missing(reached + 1)
      }
      return Math.max(0, reached - after)
    },
    async page(query) {
      return { records: (await database.read(pageStatement(log, durableSeq(), query))).map(recordOf), damaged: [] }
    },
    async tail(cursor, limit) {
      const upTo = durableSeq()
      const found: JournalRecord[] = []
      while (found.length < limit) {
        const records = await next(found.at(-1)?.seq ?? cursor, upTo, limit - found.length)
        if (records.length === 0) break
        found.push(...records)
      }
      return { records: found, damaged: [] }
    },
  }
}

function pageStatement(log: number, upTo: number, query: PageQuery): Statement {
  const values: unknown[] = [log, query.process, upTo, query.limit]
  const wanted = (condition: string, value: unknown): string => {
    if (value === undefined) return ''
    values.push(value)
    return `AND ${condition} $${values.length} `
  }
  // Only what is asked for stands in the statement: the planner cannot use an index for a condition that may be absent.
  const rest =
    wanted('type =', query.type) +
    wanted('turn =', query.turn) +
    wanted('n <', query.before) +
    wanted('n >', query.after)
  const order = query.order === 'oldest_first' ? 'ASC' : 'DESC'
  const text = `SELECT ${columns} FROM vigil_record
    WHERE log = $1 AND process = $2 AND seq <= $3 ${rest}ORDER BY n ${order} LIMIT $4`
  return { text, values }
}

function recordOf({ seq, at, process, n, epoch, type, v, turn, data }: Row): JournalRecord {
  const record = {
    seq: Number(seq),
    at,
    process,
    n: Number(n),
    epoch: Number(epoch),
    type,
    ...(turn === null ? {} : { turn }),
    data: JSON.parse(data as string),
  }
  return upcast(record as JournalRecord, v as number)
}

const missing = (seq: number): VigilError =>
  new VigilError('JOURNAL_DAMAGED', `expected record ${seq} in the tables of the journal, found it missing`, {
    details: { seq },
  })
