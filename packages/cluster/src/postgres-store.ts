import { appender, type Places, places } from '@vigil/journal'
import type { Clock, JournalStore } from '@vigil/protocol'
import { knownPlaces, loadRound, saveRound } from './checkpoint-table.ts'
import { type Database, openDatabase } from './database.ts'
import { appendLines, type LogHead, type RecordLine, takeLog } from './log-head.ts'
import { recordReader } from './record-reader.ts'
import { migrate } from './schema.ts'

export interface PostgresStoreOptions {
  readonly clock: Clock
  /** Of the primary: `postgres://user:password@host:5432/database`. */
  readonly url: string
  /** Which log of the database; default `vigil`. */
  readonly log?: string
  /** How long records wait for a database that is away before the store stops; default 15,000 ms. */
  readonly patienceMs?: number
  /** How long the server may take to accept a connection, and how long for a statement; default 10,000 ms. */
  readonly timeoutMs?: number
}

const defaultPatienceMs = 15_000
const defaultTimeoutMs = 10_000
/** Of data that may wait for a database that is away, characters. */
const mostWaiting = 64 * 1_048_576

/**
 * Opens a log in PostgreSQL and takes it from whoever wrote it before: the store of that one stops with FENCED at its next append.
 * @throws JOURNAL_FAILED when the database does not answer or refuses · JOURNAL_DAMAGED · INVALID_ARGUMENT
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<JournalStore> {
  const { clock, log: name = 'vigil' } = options
  const backlog = { characters: 0 }
  const database = openDatabase({
    patienceMs: defaultPatienceMs,
    timeoutMs: defaultTimeoutMs,
    ...options,
    overfull: () => backlog.characters > mostWaiting,
  })
  const given = places()
  try {
    await migrate(database)
    const head = await takeLog(database, name)
    given.restore(head.seq, await knownPlaces(database, head.log))
    return postgresStore({ clock, database, given, head, backlog })
  } catch (error) {
    await database.close()
    throw error
  }
}

interface Opened {
  readonly clock: Clock
  readonly database: Database
  readonly given: Places
  readonly head: LogHead
  /** What is appended and not durable. */
  readonly backlog: { characters: number }
}

function postgresStore({ clock, database, given, head, backlog }: Opened): JournalStore {
  const { log } = head
  const commit = appender<RecordLine>({
    clock,
    given,
    lineOf(record, { data }) {
      backlog.characters += data.length
      return { record, data, length: data.length }
    },
    async write(lines, firstSeq) {
      await appendLines(database, head, lines, firstSeq)
      for (const { length } of lines) backlog.characters -= length
    },
  })

  return {
    report: {},
    space: commit.space,
    failed: commit.failed,
    get lastSeq() {
      return commit.lastSeq
    },
    get durableSeq() {
      return commit.durableSeq
    },
    append: commit.append,
    durable: commit.durable,
    onFlush: commit.onFlush,
    ...recordReader(database, log, () => commit.durableSeq),
    onDamage: () => () => undefined,
    async saveCheckpoint(round) {
      // Places may be newer than the round: what lies between is durable first, and learned again at the next start.
      const stored = { ...round, places: given.dump() }
      await commit.durable(given.lastSeq)
      await saveRound(database, log, stored)
    },
    loadCheckpoint: (before) => loadRound(database, log, before),
    async close() {
      await commit.close()
      await database.close()
    },
  }
}
