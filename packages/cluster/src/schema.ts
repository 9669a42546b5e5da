import { VigilError } from '@vigil/protocol'
import type { Database } from './database.ts'

/**
 * `vigil_log` is the head of each log: who writes it, and how far it goes. `at` and `data` are text because replay gives
 * back what was appended, byte for byte: jsonb sorts keys, rounds numbers and refuses U+0000, a timestamp has no spelling
 * of its own. `v` is the version of what the data of a type looks like. No foreign key leads to the head: it would be
 * looked up for each row, which cost a third of the rate, and no row comes in past the head anyway.
 */
const tables = `
  CREATE TABLE vigil_log (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    epoch bigint NOT NULL,
    seq bigint NOT NULL
  );
  CREATE TABLE vigil_record (
    log integer NOT NULL,
    seq bigint NOT NULL,
    process text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    epoch bigint NOT NULL,
    at text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    v integer NOT NULL,
    turn text COLLATE "C",
    data text COLLATE "C" NOT NULL,
    PRIMARY KEY (log, seq)
  );
  CREATE UNIQUE INDEX vigil_record_place ON vigil_record (log, process, n);
  CREATE INDEX vigil_record_type ON vigil_record (log, process, type, n);
  CREATE INDEX vigil_record_turn ON vigil_record (log, process, turn, n) WHERE turn IS NOT NULL;
  CREATE TABLE vigil_checkpoint (
    log integer NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    places text COLLATE "C" NOT NULL,
    PRIMARY KEY (log, seq)
  );
  CREATE TABLE vigil_checkpoint_row (
    log integer NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    process text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (log, seq, position)
  );
  ALTER TABLE vigil_checkpoint_row ALTER bytes SET STORAGE EXTERNAL`

/** Each entry leads from the version that is its place to the next; what has been released is never changed. */
const migrations: readonly string[] = [tables]

/** Of all who open a log at once, one makes the tables. */
const lockKey = 0x76_69_67_69

/** @throws JOURNAL_DAMAGED when a later version made the tables */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (say) => {
    await say({ text: `SELECT pg_advisory_xact_lock(${lockKey})` })
    await say({ text: 'CREATE TABLE IF NOT EXISTS vigil_schema (version integer NOT NULL)' })
    const found = (await say({ text: 'SELECT version FROM vigil_schema' })).rows[0]?.['version'] as number | undefined
    const version = found ?? 0
    if (version > migrations.length)
      throw new VigilError(
        'JOURNAL_DAMAGED',
        `expected the tables of the journal in version ${migrations.length}, found version ${version}: open it with the version that made them`,
        { details: { version } },
      )
    if (version === migrations.length) return
    for (const text of migrations.slice(version)) await say({ text })
    await say({
      text: found === undefined ? 'INSERT INTO vigil_schema VALUES ($1)' : 'UPDATE vigil_schema SET version = $1',
      values: [migrations.length],
    })
  })
}
