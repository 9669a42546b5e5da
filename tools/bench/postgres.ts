import { openPostgresStore } from '@vigil/cluster'
import type { ProcessName, RecordDraft } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'
import pg from 'pg'
import { startPostgres } from '../../test/support/postgres.ts'
import { type Row, row } from './statistics.ts'

const rounds = 5
const roundMs = 400
const writers = [1, 8, 64, 512]

const data = { set: { value: 'x'.repeat(150) }, by: 'program' }
const draft = (process: string): RecordDraft => ({
  process: process as ProcessName,
  epoch: 1,
  type: 'state.patched',
  data,
})

/** Calls `work`, which does so many things at a time, until the round is over; things per second. */
async function rate(atATime: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  let done = 0
  while (performance.now() - began < roundMs) {
    await work()
    done += atATime
  }
  return done / ((performance.now() - began) / 1_000)
}

/** The same rows into the same table and indexes by a client that knows nothing of heads, fences and groups. */
const bareInsert = `
  INSERT INTO bare (log, seq, process, n, epoch, at, type, v, turn, data)
  SELECT 1, $1 + place, process, $1 + place, 1, at, type, 1, NULL, data
  FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS given (process, at, type, data, place)`

/** Durable appends of so many writers that each wait for their record, beside one insert after the other of as many rows. */
export async function postgres(): Promise<Row[]> {
  const server = await startPostgres({ sync: true })
  const clock = systemClock()
  const store = await openPostgresStore({ clock, url: server.url() })
  const client = new pg.Client({ connectionString: server.url() })
  try {
    await client.connect()
    await client.query('CREATE TABLE bare (LIKE vigil_record INCLUDING ALL)')
    const rows: Row[] = []
    let bareSeq = 0
    for (const count of writers) {
      const write = async (): Promise<void> => {
        const each = (_: unknown, index: number): Promise<void> => {
          const [record] = store.append([draft(`p${index}`)], 'durable')
          return store.durable(record?.seq ?? 0)
        }
        await Promise.all(Array.from({ length: count }, each))
      }
      const text = JSON.stringify(data)
      const insert = async (): Promise<void> => {
        const column = (value: (index: number) => string): string[] =>
          Array.from({ length: count }, (_, index) => value(index))
        const at = new Date().toISOString()
        const values = [
          bareSeq,
          column((index) => `p${index}`),
          column(() => at),
          column(() => 'state.patched'),
          column(() => text),
        ]
        await client.query({ name: 'bare', text: bareInsert, values })
        bareSeq += count
      }
      const stored: number[] = []
      const bare: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        stored.push(await rate(count, write))
        bare.push(await rate(count, insert))
      }
      const beside = { name: 'bare pg, as many rows per insert', values: bare }
      rows.push(row(`durable appends to PostgreSQL, ${count} writers`, 'records/s', stored, beside))
    }
    return rows
  } finally {
    await client.end()
    await store.close()
    clock.close()
    await server.stop()
  }
}
