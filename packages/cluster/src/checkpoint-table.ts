import type { Checkpoint } from '@vigil/protocol'
import type { Database, Say } from './database.ts'

/** process, n and epoch of its last record. */
export type Place = readonly [process: string, n: number, epoch: number]

const kept = 2
const pieceRows = 500
const pieceBytes = 1_000_000

/** Stores a round with the places that the log goes on from; the two newest are kept. */
export async function saveRound(
  database: Database,
  log: number,
  { seq, at, rows, places }: Checkpoint & { readonly places: readonly Place[] },
): Promise<void> {
  await database.transaction(async (say) => {
    // It may be there: the answer to an earlier commit was lost, or no record came since the last round.
    await forget(say, '= $2', [log, seq])
    await say({
      text: 'INSERT INTO vigil_checkpoint (log, seq, at, places) VALUES ($1, $2, $3, $4)',
      values: [log, seq, at, JSON.stringify(places)],
    })
    for (const { first, names, bytes } of pieces(rows)) {
      await say({
        text: `INSERT INTO vigil_checkpoint_row (log, seq, position, process, bytes)
          SELECT $1, $2, $3 + place, process, bytes
          FROM UNNEST($4::text[], $5::bytea[]) WITH ORDINALITY AS given (process, bytes, place)`,
        values: [log, seq, first, names, bytes],
      })
    }
    const newest = `(SELECT min(seq) FROM (
      SELECT seq FROM vigil_checkpoint WHERE log = $1 ORDER BY seq DESC LIMIT ${kept}) AS newest)`
    await forget(say, `< ${newest}`, [log])
  })
}

/** The rows go first: which rounds are old is asked of the rounds. */
async function forget(say: Say, which: string, values: readonly unknown[]): Promise<void> {
  await say({ text: `DELETE FROM vigil_checkpoint_row WHERE log = $1 AND seq ${which}`, values })
  await say({ text: `DELETE FROM vigil_checkpoint WHERE log = $1 AND seq ${which}`, values })
}

/** Rows in pieces of which none holds up the server, or fills a message. */
function* pieces(rows: Checkpoint['rows']) {
  let first = 0
  let names: string[] = []
  let bytes: Uint8Array[] = []
  let size = 0
  for (const [name, row] of rows) {
    if (names.length === pieceRows || size + row.length > pieceBytes) {
      if (names.length > 0) yield { first, names, bytes }
      first += names.length
      names = []
      bytes = []
      size = 0
    }
    names.push(name)
    bytes.push(row)
    size += row.length
  }
  if (names.length > 0) yield { first, names, bytes }
}

const newestRound = 'SELECT seq, at, places FROM vigil_checkpoint WHERE log = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1'

export async function loadRound(
  database: Database,
  log: number,
  before: number = Number.MAX_SAFE_INTEGER,
): Promise<Checkpoint | undefined> {
  const [round] = await database.read({ text: newestRound, values: [log, before] })
  if (round === undefined) return undefined
  const rows = new Map<string, Uint8Array>()
  for (;;) {
    const found = await database.read({
      text: `SELECT process, bytes FROM (
          SELECT position, process, bytes, sum(octet_length(bytes)) OVER (ORDER BY position) - octet_length(bytes) AS before
          FROM (SELECT position, process, bytes FROM vigil_checkpoint_row
            WHERE log = $1 AND seq = $2 AND position > $3 ORDER BY position LIMIT ${pieceRows}) AS next
        ) AS measured WHERE before < ${pieceBytes} ORDER BY position`,
      values: [log, round['seq'], rows.size],
    })
    for (const { process, bytes } of found) rows.set(process as string, new Uint8Array(bytes as Buffer))
    if (found.length === 0) return { seq: Number(round['seq']), at: Number(round['at']), rows }
  }
}

/** What places have to know: those of the newest round, and of each process with records behind it. */
export async function knownPlaces(database: Database, log: number): Promise<Place[]> {
  const [round] = await database.read({ text: newestRound, values: [log, Number.MAX_SAFE_INTEGER] })
  const later = await database.read({
    text: `SELECT DISTINCT ON (process) process, n, epoch FROM vigil_record
      WHERE log = $1 AND seq > $2 ORDER BY process, n DESC`,
    values: [log, round?.['seq'] ?? 0],
  })
  return [
    ...(round === undefined ? [] : (JSON.parse(round['places'] as string) as Place[])),
    ...later.map(({ process, n, epoch }): Place => [process as string, Number(n), Number(epoch)]),
  ]
}
