import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresStore } from '@vigil/cluster'
import { nodeFileSystem, openFileStore, openMemoryStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, type VirtualClock, virtualClock } from '@vigil/testkit'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'

/** A store that can be closed. */
export interface Subject {
  readonly clock: VirtualClock
  readonly store: JournalStore
  close(): Promise<void>
}

/** A store that can be closed and opened again on what it left. */
export interface DurableSubject extends Subject {
  reopen(): Promise<JournalStore>
}

export async function memory(): Promise<Subject> {
  const clock = virtualClock()
  const store = openMemoryStore({ clock })
  return { clock, store, close: () => store.close() }
}

async function onFiles(
  fileSystem: FileSystem,
  directory: string,
  cleanUp: () => Promise<void>,
): Promise<DurableSubject> {
  const clock = virtualClock()
  const open = (): Promise<JournalStore> => openFileStore({ fileSystem, clock, directory, segmentBytes: 2_000 })
  return durableSubject(clock, open, cleanUp)
}

async function durableSubject(
  clock: VirtualClock,
  open: () => Promise<JournalStore>,
  cleanUp: () => Promise<void>,
): Promise<DurableSubject> {
  const stores = [await open()]
  return {
    clock,
    store: stores[0] as JournalStore,
    async reopen() {
      await stores.at(-1)?.close()
      stores.push(await open())
      return stores.at(-1) as JournalStore
    },
    async close() {
      await stores.at(-1)?.close()
      await cleanUp()
    },
  }
}

export async function simulatedFiles(): Promise<DurableSubject> {
  const disk = simulatedFileSystem({ mostBytesPerWrite: 700 })
  await disk.makeDirectory('/data')
  return onFiles(disk, '/data', async () => {})
}

export async function realFiles(): Promise<DurableSubject> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-journal-'))
  return onFiles(nodeFileSystem(), directory, () => rm(directory, { recursive: true, force: true }))
}

let server: Promise<PostgresServer> | undefined
let logs = 0

/** Each subject has a log of its own in one database. */
export async function postgres(): Promise<DurableSubject> {
  server ??= startPostgres()
  const url = (await server).url()
  const clock = virtualClock()
  logs += 1
  const open = (): Promise<JournalStore> => openPostgresStore({ clock, url, log: `log-${logs}` })
  return durableSubject(clock, open, async () => {})
}

/** After the last test of a file. */
export async function stopServers(): Promise<void> {
  await (await server)?.stop()
  server = undefined
}

/** A small record of a process. */
export const draft = (
  process: string,
  value: unknown = 1,
  more: { epoch?: number; turn?: string } = {},
): RecordDraft => ({
  process: process as ProcessName,
  epoch: 1,
  type: 'state.patched',
  data: { set: { value }, by: 'program' },
  ...more,
})

export async function all(store: JournalStore, after = 0): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  const count = await store.replay(after, (record) => records.push(record))
  if (count !== records.length) throw new Error(`replay visited ${records.length} records and said ${count}`)
  return records
}

/** What a store on a simulated disk holds after a life: the paths of its segments. */
export async function segments(disk: SimulatedFileSystem, directory = '/data'): Promise<string[]> {
  const names = await disk.readDirectory(`${directory}/journal`)
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => `${directory}/journal/${name}`)
}
