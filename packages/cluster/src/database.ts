import { type Clock, VigilError } from '@vigil/protocol'
import pg from 'pg'
import { type Patience, withPatience } from './patience.ts'

export type Row = Record<string, unknown>

export interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
  /** A statement with a name is parsed once per connection. */
  readonly name?: string
}

/** Says a statement on one connection. */
export type Say = (statement: Statement) => Promise<{ readonly rows: Row[]; readonly count: number }>

/**
 * Connections to the primary. All calls are tried again while the database is away, so what they say must be harmless when it
 * happens twice.
 */
export interface Database {
  /** On the one connection of the writer, which no reader can hold up. */
  write<T>(work: (say: Say) => Promise<T>): Promise<T>
  read(statement: Statement): Promise<Row[]>
  transaction<T>(work: (say: Say) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface DatabaseOptions extends Patience {
  readonly url: string
  /** How long the server may take to accept a connection, and how long for a statement. */
  readonly timeoutMs: number
}

/** When the server did not end the statement itself, the way to it is broken. */
const answerGraceMs = 1_000
const closeMs = 2_000
const readers = 2

export function openDatabase({ url, timeoutMs, ...patience }: DatabaseOptions): Database {
  // A URL that cannot be parsed would come back in an error, password and all.
  if (!/^postgres(ql)?:/.test(url) || !URL.canParse(url))
    throw new VigilError('INVALID_ARGUMENT', 'expected a URL like postgres://user:password@host:5432/database')
  const writer = pool({ url, timeoutMs, max: 1 })
  const reader = pool({ url, timeoutMs, max: readers })
  let closing: Promise<void> | undefined

  const attempt = <T>(work: () => Promise<T>): Promise<T> =>
    withPatience(patience, () => {
      if (closing !== undefined) throw new VigilError('JOURNAL_CLOSED', 'expected an open journal, found it closed')
      return work()
    })

  return {
    write: (work) => attempt(() => work(sayOn(writer))),
    read: (statement) => attempt(async () => (await sayOn(reader)(statement)).rows),
    transaction: (work) => attempt(() => inTransaction(reader, work)),
    close() {
      closing ??= endPools([writer, reader], patience.clock)
      return closing
    },
  }
}

async function endPools(pools: readonly pg.Pool[], clock: Clock): Promise<void> {
  // A server behind a broken network never says goodbye.
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimer(closeMs, late.resolve)
  await Promise.race([Promise.all(pools.map((each) => each.end())), late.promise])
  timer.cancel()
}

interface PoolOptions extends Pick<DatabaseOptions, 'url' | 'timeoutMs'> {
  readonly max: number
}

function pool({ url, timeoutMs, max }: PoolOptions): pg.Pool {
  const made = new pg.Pool({
    connectionString: url,
    application_name: 'vigil',
    max,
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + answerGraceMs,
    onConnect: readyToKeep,
  })
  // An idle connection that breaks is replaced by the next call.
  made.on('error', () => undefined)
  return made
}

/**
 * An acknowledged record is on the disk, whatever the database was told to do with others. And a standby shows commits in another order
 * than the primary, so that nobody may read from one.
 */
async function readyToKeep(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_is_in_recovery() AS standby, set_config('synchronous_commit',
       CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`,
  )
  if (rows[0]?.standby === true) throw new Error('a standby where the primary was expected')
}

const sayOn =
  (connection: pg.Pool | pg.PoolClient): Say =>
  async ({ text, values = [], name }) => {
    const { rows, rowCount } = await connection.query({
      text,
      values: [...values],
      ...(name === undefined ? {} : { name: `vigil_${name}` }),
    })
    return { rows, count: rowCount ?? 0 }
  }

async function inTransaction<T>(from: pg.Pool, work: (say: Say) => Promise<T>): Promise<T> {
  const client = await from.connect()
  // A connection that breaks between two statements says so here, and then in the next of them.
  const unheard = (): void => undefined
  client.on('error', unheard)
  let failure: Error | undefined
  try {
    await client.query('BEGIN')
    const result = await work(sayOn(client))
    await client.query('COMMIT')
    return result
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    client.off('error', unheard)
    // With an error the connection is closed, and the server rolls back what was open on it.
    client.release(failure)
  }
}
