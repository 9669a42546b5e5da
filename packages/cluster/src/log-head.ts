import { type JournalRecord, recordVersion, VigilError } from '@vigil/protocol'
import type { Database, Statement } from './database.ts'

/** A record with the JSON of its data; `length` in characters, as a flush counts. */
export interface RecordLine {
  readonly record: JournalRecord
  readonly data: string
  readonly length: number
}

/** A log and the right to write it, until somebody else takes it. */
export interface LogHead {
  /** Number of the log in the tables. */
  readonly log: number
  /** Of this writer; a later one has a higher one. */
  readonly epoch: number
  /** Of the last record when the log was taken. */
  readonly seq: number
}

/**
 * Takes a log, and makes it when it is not there. The row is locked for a moment: an append of the writer before is either
 * in the log that is taken, or matches no head any more.
 */
export async function takeLog(database: Database, name: string): Promise<LogHead> {
  const row = await database.write(async (say) => {
    const { rows } = await say({
      text: `INSERT INTO vigil_log (name, epoch, seq) VALUES ($1, 1, 0)
        ON CONFLICT (name) DO UPDATE SET epoch = vigil_log.epoch + 1 RETURNING id, epoch, seq`,
      values: [name],
    })
    return rows[0]
  })
  return { log: row?.['id'] as number, epoch: Number(row?.['epoch']), seq: Number(row?.['seq']) }
}

/**
 * One statement is one transaction: the head moves only from where this writer left it, and the records go in only with it.
 * So they are all there or none is, in order, and never a second time.
 */
const append = `
  WITH head AS (
    UPDATE vigil_log SET seq = $4 WHERE id = $1 AND epoch = $2 AND seq = $3 RETURNING id
  )
  INSERT INTO vigil_record (log, seq, process, n, epoch, at, type, v, turn, data)
  SELECT head.id, $3 + place, process, n, epoch, at, type, v, turn, data
  FROM head, UNNEST($5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::integer[], $11::text[], $12::text[])
    WITH ORDINALITY AS given (process, n, epoch, at, type, v, turn, data, place)`

/**
 * Appends behind `firstSeq - 1` and resolves when the records are on the disk of the database. When the answer to a commit
 * is lost nobody knows what became of it: the next try finds the head moved by this very append, or waits for it on the
 * locked row, or does it.
 * @throws FENCED when another writer has taken the log · DISK_FULL, and nothing of the lines is left behind · JOURNAL_FAILED
 */
export async function appendLines(
  database: Database,
  { log, epoch }: LogHead,
  lines: readonly RecordLine[],
  firstSeq: number,
): Promise<void> {
  const before = firstSeq - 1
  const last = before + lines.length
  const statement: Statement = { name: 'append', text: append, values: [log, epoch, before, last, ...columns(lines)] }
  await database.write(async (say) => {
    const { count } = await say(statement)
    if (count === lines.length) return
    const { rows } = await say({ text: 'SELECT epoch, seq FROM vigil_log WHERE id = $1', values: [log] })
    const head = { epoch: Number(rows[0]?.['epoch']), seq: Number(rows[0]?.['seq']) }
    if (head.epoch > epoch)
      throw new VigilError('FENCED', `writer ${head.epoch} has taken the log; records of writer ${epoch} came too late`)
    if (head.epoch !== epoch || head.seq !== last)
      throw new VigilError(
        'JOURNAL_FAILED',
        `expected the log at record ${before} of writer ${epoch}, found it at record ${head.seq} of writer ${head.epoch}: has the database been set back?`,
      )
  })
}

const columns = (lines: readonly RecordLine[]): unknown[] => [
  lines.map(({ record }) => record.process),
  lines.map(({ record }) => record.n),
  lines.map(({ record }) => record.epoch),
  lines.map(({ record }) => record.at),
  lines.map(({ record }) => record.type),
  lines.map(({ record }) => recordVersion(record.type)),
  lines.map(({ record }) => record.turn ?? null),
  lines.map(({ data }) => data),
]
