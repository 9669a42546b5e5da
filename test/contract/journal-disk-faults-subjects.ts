import { isDeepStrictEqual } from 'node:util'
import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore } from '@vigil/protocol'
import {
  type FileOperation,
  type SimulatedFileSystem,
  type SimulatedFileSystemOptions,
  simulatedFileSystem,
  type VirtualClock,
  virtualClock,
} from '@vigil/testkit'
import { all, draft } from './journal-store-subjects.ts'

/** What one life of a store appended, what it was promised, and what stopped it. */
export interface Life {
  readonly batches: (readonly JournalRecord[])[]
  acknowledged: number
  refusal?: unknown
}

export const segmentBytes = 900
export const open = (fileSystem: FileSystem, clock = virtualClock(), ballastBytes = 0): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes, ballastBytes })

interface LiveOptions {
  readonly clock?: VirtualClock
  readonly rounds?: number
  readonly ballastBytes?: number
  /** Filled while it goes. */
  readonly life?: Life
}

/** Batches, each acknowledged before the next, over several segments and three checkpoints; until the disk fails. */
export async function live(
  fileSystem: FileSystem,
  { clock = virtualClock(), rounds = 12, ballastBytes = 0, life = { batches: [], acknowledged: 0 } }: LiveOptions = {},
): Promise<Life> {
  let store: JournalStore | undefined
  try {
    store = await open(fileSystem, clock, ballastBytes)
    for (let round = 0; round < rounds; round += 1) {
      const drafts = Array.from({ length: 1 + (round % 3) }, (_, index) => draft('ab'[round % 2] as string, index))
      life.batches.push(store.append(drafts, 'durable'))
      await store.durable(store.lastSeq)
      life.acknowledged = store.lastSeq
      if (round % 4 === 2) await store.saveCheckpoint({ seq: store.lastSeq, at: round, rows: new Map() })
    }
  } catch (error) {
    life.refusal = error
  }
  await store?.close()
  return life
}

export async function prepared(options: SimulatedFileSystemOptions = {}): Promise<SimulatedFileSystem> {
  const disk = simulatedFileSystem(options)
  await disk.makeDirectory('/data')
  return disk
}

/** What is wrong with the log that a life left, in words: read, written on, and read again after a crash. */
export async function brokenPromises(disk: SimulatedFileSystem, { batches, acknowledged }: Life): Promise<string[]> {
  const store = await open(disk).catch((error: Error) => error)
  if (store instanceof Error) return [`does not open: ${store.message}`]
  const found = await all(store)
  const broken: string[] = []
  if (found.length < acknowledged) broken.push(`${acknowledged} records were acknowledged, ${found.length} are there`)
  const prefixes = [[], ...batches].map((_, count) => batches.slice(0, count).flat())
  if (!prefixes.some((prefix) => isDeepStrictEqual(prefix, found))) broken.push('it is not a prefix of whole batches')
  const [next] = store.append([draft('a', 'next')], 'durable')
  await store.durable(store.lastSeq)
  disk.crash()
  const again = await open(disk)
    .then(all)
    .catch((error: Error) => error)
  if (again instanceof Error) broken.push(`after a crash: ${again.message}`)
  else if (!isDeepStrictEqual(again, [...found, next]))
    broken.push(`${found.length + 1} records were read or acknowledged, ${again.length} survive a crash`)
  return broken
}

/** A disk that does something at the nth call of an operation, counted from `arm`, and says whether it came to that. */
export async function atNth(operation: FileOperation, act: (disk: SimulatedFileSystem) => void) {
  let left = Number.POSITIVE_INFINITY
  const disk: SimulatedFileSystem = await prepared({
    mostBytesPerWrite: 250,
    onOperation: (each) => {
      if (each === operation && --left === 0) act(disk)
    },
  })
  const arm = (nth: number): void => {
    left = nth
  }
  return { disk, arm, fired: () => left <= 0, disarm: () => arm(Number.POSITIVE_INFINITY) }
}

/** The same files on another disk: who opens a log may mend it. */
export async function copyOf(disk: SimulatedFileSystem): Promise<SimulatedFileSystem> {
  const copy = await prepared()
  for (const folder of ['/data/journal', '/data/checkpoints']) {
    await copy.makeDirectory(folder)
    for (const name of await disk.readDirectory(folder))
      (await copy.open(`${folder}/${name}`, 'create')).write(await disk.readFile(`${folder}/${name}`), 0)
  }
  return copy
}
