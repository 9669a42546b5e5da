import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { ProcessName } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'
import { open as openLmdb } from 'lmdb'
import { quantile } from '../statistics.ts'

const warmMs = 1_500
const roundMs = 1_000
const body = 'x'.repeat(120)

/** Something that makes a small record durable. */
interface Subject {
  append(value: number): Promise<unknown>
  close(): Promise<unknown>
}

async function journal(folder: string): Promise<Subject> {
  const clock = systemClock()
  const store = await openFileStore({ fileSystem: nodeFileSystem(), clock, directory: folder })
  const process = 'bench' as ProcessName
  return {
    append(n) {
      const data = { set: { n, body }, by: 'program' }
      return store.durable(store.append([{ process, epoch: 1, type: 'state.patched', data }], 'durable')[0]?.seq ?? 0)
    },
    async close() {
      await store.close()
      clock.close()
    },
  }
}

/** What waits shares one write: the way in which each of the others is given its best too. */
function grouped<Item>(write: (items: readonly Item[]) => Promise<void> | void) {
  const waiting: { readonly item: Item; readonly done: () => void }[] = []
  let writing = false
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const taken = waiting.splice(0, 512)
      await write(taken.map(({ item }) => item))
      for (const { done } of taken) done()
      await new Promise(setImmediate)
    }
    writing = false
  }
  return (item: Item): Promise<void> =>
    new Promise((done) => {
      waiting.push({ item, done })
      if (writing) return
      writing = true
      process.nextTick(flush)
    })
}

async function bare(folder: string): Promise<Subject> {
  const descriptor = openSync(join(folder, 'log'), 'w')
  const append = grouped<string>(async (lines) => {
    writeSync(descriptor, Buffer.from(lines.join('')))
    await new Promise<void>((resolve, reject) => fdatasync(descriptor, (error) => (error ? reject(error) : resolve())))
  })
  return {
    append: (n) =>
      append(`${JSON.stringify({ n, at: '2026-01-01T00:00:00.000Z', process: 'bench', data: { body } })}\n`),
    close: async () => closeSync(descriptor),
  }
}

async function sqlite(folder: string): Promise<Subject> {
  const database = new DatabaseSync(join(folder, 'db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE record (seq INTEGER PRIMARY KEY, process TEXT, n INTEGER, data TEXT)')
  const insert = database.prepare('INSERT INTO record (process, n, data) VALUES (?, ?, ?)')
  const append = grouped<number>((items) => {
    database.exec('BEGIN')
    for (const n of items) insert.run('bench', n, JSON.stringify({ set: { n, body }, by: 'program' }))
    database.exec('COMMIT')
  })
  return { append, close: async () => database.close() }
}

async function lmdb(folder: string): Promise<Subject> {
  const database = openLmdb({ path: join(folder, 'lmdb'), overlappingSync: false })
  let seq = 0
  return {
    append(n) {
      seq += 1
      return database.put(seq, { process: 'bench', n, data: { set: { n, body }, by: 'program' } })
    },
    close: () => database.close(),
  }
}

const subjects = { journal, bare, sqlite, lmdb }
/** `node append-round.ts NAME WRITERS`: warms up, then prints the figures of one round as JSON. */
async function measured(name: keyof typeof subjects, writers: number) {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const subject = await subjects[name](folder)
  const took: number[] = []
  const run = async (until: number): Promise<void> => {
    for (let n = 0; performance.now() < until; n += 1) {
      const began = performance.now()
      await subject.append(n)
      took.push(performance.now() - began)
    }
  }
  const all = (ms: number) => Promise.all(Array.from({ length: writers }, () => run(performance.now() + ms)))
  await all(warmMs)
  took.length = 0
  const lag = monitorEventLoopDelay({ resolution: 1 })
  lag.enable()
  const began = performance.now()
  await all(roundMs)
  const perSecond = took.length / ((performance.now() - began) / 1_000)
  lag.disable()
  await subject.close()
  rmSync(folder, { recursive: true })
  // The histogram counts from one timer to the next, which is the resolution of 1 ms when nothing is late.
  return { perSecond, p50: quantile(took, 0.5), p99: quantile(took, 0.99), lag: lag.percentile(99) / 1e6 - 1 }
}

const [, , name, writers] = process.argv
process.stdout.write(JSON.stringify(await measured(name as keyof typeof subjects, Number(writers))))
