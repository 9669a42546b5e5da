import { inspect } from 'node:util'
import { openPostgresStore, type PostgresStoreOptions } from '@vigil/cluster'
import type { JournalStore } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'
import { virtualClock } from '@vigil/testkit'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { all, draft } from './journal-store-subjects.ts'

/** What the store asks of its database beyond the contract of all stores. Each test has a database of its own. */
let server: PostgresServer
let databases = 0
const closing: (() => unknown)[] = []
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A new database: its URL, and a client in it. */
async function database(): Promise<{ url: string; client: pg.Client }> {
  databases += 1
  const name = `journal_${databases}`
  await (await connected(server.url())).query(`CREATE DATABASE ${name}`)
  const url = server.url().replace(/\w+$/, name)
  return { url, client: await connected(url) }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  closing.push(() => client.end())
  return client
}

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<JournalStore> {
  const clock = systemClock()
  closing.push(() => clock.close())
  const store = await openPostgresStore({ clock, url, ...options })
  closing.push(() => store.close())
  return store
}

test('who opens an empty database first makes the tables, and the others find them', async () => {
  const { url, client } = await database()
  const stores = await Promise.all(['a', 'b', 'c', 'd'].map((log) => open(url, { log })))
  for (const [index, store] of stores.entries()) {
    store.append([draft('p', index)], 'durable')
    await store.durable(1)
  }
  for (const [index, store] of stores.entries())
    expect(await all(store)).toMatchObject([{ seq: 1, data: { set: { value: index } } }])
  expect((await client.query('SELECT version FROM vigil_schema')).rows).toEqual([{ version: 1 }])
})

test('tables that a later version made are left alone', async () => {
  const { url, client } = await database()
  await (await open(url)).close()
  await client.query('UPDATE vigil_schema SET version = 2')
  await expect(open(url)).rejects.toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('version 2'),
  })
})

test('a database whose disk is full is waited for', async () => {
  const { url, client } = await database()
  const clock = virtualClock()
  const store = await open(url, { clock })
  await client.query(`
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE 'no space left on device' USING ERRCODE = 'disk_full';
    END $$`)
  await client.query('CREATE TRIGGER full_disk BEFORE INSERT ON vigil_record FOR EACH ROW EXECUTE FUNCTION full_disk()')
  const become = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      store.space.onChange((state) => {
        if (state === wanted) resolve()
      })
    })
  const exhausted = become('exhausted')
  store.append([draft('a', 1)], 'durable')
  await exhausted
  await client.query('DROP TRIGGER full_disk ON vigil_record')
  const durable = store.durable(1)
  await clock.advance(5_000)
  await durable
  const openAgain = become('open')
  expect(await all(store)).toHaveLength(1)
  await clock.advance(5_000)
  await openAgain
})

test('a store has three connections at most', async () => {
  const { url, client } = await database()
  const store = await open(url)
  for (let k = 0; k < 50; k += 1) store.append([draft('a', k)], 'durable')
  const reading = Array.from({ length: 20 }, () => store.page({ process: 'a', limit: 10 }))
  await Promise.all([...reading, store.durable(50), store.saveCheckpoint({ seq: 1, at: 1, rows: new Map() })])
  const { rows } = await client.query(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vigil' AND datname = current_database()",
  )
  expect(rows).toEqual([{ count: '3' }])
})

test('an acknowledged record is on the disk, also where the database is told not to wait for it', async () => {
  const { url, client } = await database()
  const name = new URL(url).pathname.slice(1)
  await client.query(`ALTER DATABASE ${name} SET synchronous_commit = off`)
  await (await open(url)).close()
  await client.query(`
    CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'nobody waits for the disk'; END IF;
      RETURN new;
    END $$`)
  await client.query('CREATE TRIGGER waits BEFORE INSERT ON vigil_record FOR EACH ROW EXECUTE FUNCTION waits()')
  const store = await open(url)
  store.append([draft('a')], 'durable')
  await store.durable(1)
})

test('a standby is not read', async () => {
  const { url, client } = await database()
  await client.query("CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
  const options = `?options=${encodeURIComponent('-c search_path=public,pg_catalog')}`
  await expect(open(`${url}${options}`, { patienceMs: 50 })).rejects.toMatchObject({
    code: 'JOURNAL_FAILED',
    message: expect.stringContaining('standby'),
  })
})

test('a record that is missing is damage, and is named', async () => {
  const { url, client } = await database()
  const store = await open(url)
  store.append([draft('a', 1), draft('a', 2), draft('a', 3)], 'durable')
  await store.durable(3)
  await client.query('DELETE FROM vigil_record WHERE seq = 2')
  await expect(all(store)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED', details: { seq: 2 } })
  await client.query('DELETE FROM vigil_record WHERE seq = 3')
  await expect(all(store, 1)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED', details: { seq: 2 } })
})

test('a record whose data a later version wrote is refused, and is named', async () => {
  const { url, client } = await database()
  const store = await open(url)
  store.append([draft('a', 1)], 'durable')
  await store.durable(1)
  await client.query('UPDATE vigil_record SET v = v + 1')
  await expect(all(store)).rejects.toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('found 2'),
  })
})

test('of all rounds two are kept, and a round can be saved again', async () => {
  const { url, client } = await database()
  const store = await open(url)
  for (const seq of [1, 2, 3, 3]) {
    if (store.lastSeq < seq) store.append([draft('a')], 'durable')
    await store.saveCheckpoint({ seq, at: seq, rows: new Map([['a', Uint8Array.of(seq)]]) })
  }
  const seqs = async (table: string): Promise<unknown[]> =>
    (await client.query(`SELECT seq FROM ${table} ORDER BY seq`)).rows.map(({ seq }) => Number(seq))
  expect([await seqs('vigil_checkpoint'), await seqs('vigil_checkpoint_row')]).toEqual([
    [2, 3],
    [2, 3],
  ])
})

test.for(['postgres//user:hunter2@host', 'http://user:hunter2@127.0.0.1/x', 'postgres://user:hunter2@127.0.0.1:1/x'])(
  'no error of %s shows the password',
  async (url) => {
    const error = await open(url, { patienceMs: 0 }).catch((found: unknown) => found)
    expect(error).toMatchObject({ name: 'VigilError' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2')
  },
)
