import { openPostgresStore } from '@vigil/cluster'
import type { JournalRecord, JournalStore } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'
import { seededRandom } from '@vigil/testkit'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { all, draft } from '../contract/journal-store-subjects.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type TcpProxy, tcpProxy, type WireFault } from '../support/tcp-proxy.ts'

/** Whatever happens between the store and its database: what was acknowledged is there, once, and in its place. */
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const operations = process.env['VIGIL_TORTURE'] === undefined ? 120 : 5_000

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let clock: ReturnType<typeof systemClock>
let proxy: TcpProxy
let stores: JournalStore[]
let log: string
let logs = 0
beforeEach(async () => {
  clock = systemClock()
  proxy = await tcpProxy(server.port)
  stores = []
  logs += 1
  log = `log-${logs}`
})
afterEach(async () => {
  for (const store of stores) await store.close()
  await proxy.close()
  clock.close()
})

async function open(options: { patienceMs?: number; timeoutMs?: number } = {}): Promise<JournalStore> {
  const store = await openPostgresStore({ clock, url: server.url(proxy.port), log, ...options })
  stores.push(store)
  return store
}

/** Asks the server itself, beside the proxy. */
async function ask(text: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

const endConnections = (): Promise<unknown> =>
  ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vigil'")

/** Appends some records and resolves when they are durable. */
async function append(store: JournalStore, ...values: unknown[]): Promise<readonly JournalRecord[]> {
  const records = store.append(
    values.map((value) => draft('a', value)),
    'durable',
  )
  await store.durable(store.lastSeq)
  return records
}

test.for<WireFault>(['lose_request', 'lose_reply'])('a connection that breaks by %s costs time', async (fault) => {
  const store = await open()
  const sent = [...(await append(store, 1))]
  const befallen = proxy.befall(fault)
  sent.push(...(await append(store, 2, 3)))
  await befallen
  sent.push(...(await append(store, 4)))
  expect(await all(store)).toEqual(sent)
})

test('an append that reaches the server after its own repetition does nothing', async () => {
  const store = await open({ timeoutMs: 50 })
  const sent = [...(await append(store, 1))]
  const held = proxy.befall('hold_request')
  sent.push(...(await append(store, 2)))
  await held
  await proxy.release()
  sent.push(...(await append(store, 3)))
  expect(await all(store)).toEqual(sent)
})

test('connections that the server ends, and a server that starts anew, are waited for', async () => {
  const store = await open()
  const sent = [...(await append(store, 1))]
  await endConnections()
  sent.push(...(await append(store, 2)))
  // A backend that dies takes the others down, and the server recovers from its log.
  const backends = await ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'vigil'")
  process.kill(backends[0]?.['pid'] as number, 'SIGKILL')
  expect((await store.page({ process: 'a', limit: 1 })).records).toEqual([sent[1]])
  sent.push(...(await append(store, 2.5)))
  const restarted = server.restart()
  sent.push(...(await append(store, 3)))
  await restarted
  sent.push(...(await append(store, 4)))
  expect(await all(store)).toEqual(sent)
})

test('a database that stays away stops the store, and nothing is acknowledged', async () => {
  const store = await open({ patienceMs: 100 })
  await append(store, 1)
  await proxy.close()
  proxy = await tcpProxy(server.port)
  const expected = expect.objectContaining({ code: 'JOURNAL_FAILED', message: expect.stringContaining('ECONNREFUSED') })
  await expect(append(store, 2)).rejects.toEqual(expected)
  expect(await store.failed).toEqual(expected)
  expect(store.durableSeq).toBe(1)
  expect(() => store.append([draft('a')], 'lazy')).toThrow(expected)
  await expect(openPostgresStore({ clock, url: 'postgres://127.0.0.1:1/none', patienceMs: 50 })).rejects.toEqual(
    expected,
  )
})

test('no more than some megabytes wait for a database that is away', async () => {
  const store = await open({ patienceMs: 60_000 })
  await proxy.close()
  proxy = await tcpProxy(server.port)
  for (let k = 0; k < 70; k += 1) store.append([draft('a', 'x'.repeat(1_000_000))], 'durable')
  expect(await store.failed).toMatchObject({ code: 'JOURNAL_FAILED' })
})

test('who takes the log goes on from it, and who had it stops for good', async () => {
  const [old, young] = [await open(), await open()]
  await append(young, 1)
  const fenced = expect.objectContaining({ code: 'FENCED' })
  await expect(append(old, 2)).rejects.toEqual(fenced)
  expect(await old.failed).toEqual(fenced)
  expect(() => old.append([draft('a')], 'lazy')).toThrow(fenced)
  await expect(old.saveCheckpoint({ seq: 0, at: 0, rows: new Map() })).rejects.toEqual(fenced)
  expect((await append(young, 3))[0]).toMatchObject({ seq: 2, n: 2 })
  expect(await all(young)).toMatchObject([{ data: { set: { value: 1 } } }, { data: { set: { value: 3 } } }])
})

test('an append whose answer was lost is not acknowledged by a store whose log was taken meanwhile', async () => {
  const old = await open({ timeoutMs: 50 })
  await append(old, 1)
  const held = proxy.befall('hold_request')
  const late = append(old, 2)
  late.catch(() => undefined)
  await held
  const young = await open()
  await proxy.release()
  await expect(late).rejects.toMatchObject({ code: 'FENCED' })
  await append(young, 3)
  expect(await all(young)).toMatchObject([{ seq: 1 }, { seq: 2, data: { set: { value: 3 } } }])
})

test('a database that was set back is no journal any more', async () => {
  const store = await open()
  await append(store, 1)
  await append(store, 2)
  await ask('UPDATE vigil_log SET seq = 1 WHERE name = $1', log)
  await expect(append(store, 3)).rejects.toMatchObject({
    code: 'JOURNAL_FAILED',
    message: expect.stringContaining('set back'),
  })
})

test(`${operations} appends under faults of every kind (seed ${seed})`, { timeout: 300_000 }, async () => {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T
  const acknowledged = new Map<number, unknown>()
  let store = await open()
  for (let k = 0; k < operations; k += 1) {
    const fault = pick(['none', 'none', 'none', 'lose_request', 'lose_reply', 'end', 'take', 'take_after'] as const)
    if (fault === 'lose_request' || fault === 'lose_reply') void proxy.befall(fault)
    const values = Array.from({ length: 1 + Math.floor(random.next() * 4) }, (_, index) => `${k}.${index}`)
    const young = fault === 'take' ? open() : undefined
    const appending = append(store, ...values)
    if (fault === 'end') await endConnections()
    const outcome = await appending.catch((error: Error) => error)
    if (outcome instanceof Error) {
      expect(outcome, `operation ${k}, ${fault}`).toMatchObject({ code: 'FENCED' })
      expect(fault).toBe('take')
    } else for (const { seq, data } of outcome) acknowledged.set(seq, data)
    if (young !== undefined) store = await young
    if (fault === 'take_after') store = await open()
    // One that is over is closed at the end; a few are enough to be open at once.
    if (stores.length > 4) await stores.shift()?.close()
  }
  const records = await all(store)
  const found = new Map(records.map(({ seq, data }) => [seq, data]))
  for (const [seq, data] of acknowledged) expect(found.get(seq), `record ${seq}`).toEqual(data)
  const values = records.map(({ data }) => (data as unknown as { set: { value: string } }).set.value)
  expect(new Set(values).size, 'a record is there twice').toBe(values.length)
  expect(records.map(({ n }) => n)).toEqual(records.map((_, index) => index + 1))
  // A batch is whole: its first record is followed by the others of the same operation.
  for (const [index, value] of values.entries()) {
    const [operation, place] = value.split('.')
    if (place !== '0') expect(values[index - 1]).toBe(`${operation}.${Number(place) - 1}`)
  }
})
