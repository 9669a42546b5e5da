import { isDeepStrictEqual } from 'node:util'
import { openFileStore } from '@vigil/journal'
import type { FileSystem, JournalRecord, JournalStore } from '@vigil/protocol'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { all, draft } from './journal-store-subjects.ts'

/** How one life goes and ends. `power`: the machine dies after so many operations; `kill`: only the process does. */
interface Plan {
  readonly batches: readonly { readonly process: string; readonly records: number; readonly awaited: boolean }[]
  readonly checkpointAfter: number
  readonly end: 'power' | 'kill' | 'close'
  readonly operations: number
  readonly kept: { readonly keepBytes: number; readonly keepNames: boolean; readonly sectors: number }
}

const plan: fc.Arbitrary<Plan> = fc.record({
  batches: fc.array(
    fc.record({
      process: fc.constantFrom('a', 'b', 'c'),
      records: fc.integer({ min: 1, max: 4 }),
      awaited: fc.boolean(),
    }),
    { maxLength: 12 },
  ),
  checkpointAfter: fc.nat({ max: 15 }),
  end: fc.constantFrom('power', 'kill', 'close'),
  operations: fc.nat({ max: 80 }),
  kept: fc.record({ keepBytes: fc.constantFrom(0, 1, 100, 500), keepNames: fc.boolean(), sectors: fc.nat() }),
})

const clock = virtualClock()
const open = (fileSystem: FileSystem): Promise<JournalStore> =>
  openFileStore({ fileSystem, clock, directory: '/data', segmentBytes: 700 })

/** The disk as one process sees it: after its death nothing that it still does reaches it. */
function mortal(disk: FileSystem): { readonly fileSystem: FileSystem; die(): void } {
  let dead = false
  const guarded = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(whole, name) {
        const member: unknown = Reflect.get(whole, name)
        if (typeof member !== 'function') return member
        return (...given: unknown[]) => {
          if (dead) return name === 'write' ? (given[0] as Uint8Array).byteLength : new Promise(() => undefined)
          const answer: unknown = member.apply(whole, given)
          return name === 'open' ? (answer as Promise<object>).then(guarded) : answer
        }
      },
    })
  return {
    fileSystem: guarded(disk),
    die() {
      dead = true
    },
  }
}

/** What must be in the log from now on, and what may follow it: batches that were appended and not acknowledged. */
interface Expected {
  readonly certain: readonly JournalRecord[]
  readonly possible: readonly (readonly JournalRecord[])[]
}

async function live(
  fileSystem: FileSystem,
  { batches, checkpointAfter, end }: Plan,
  inherited: readonly JournalRecord[],
): Promise<Expected> {
  let certain = inherited
  const possible: (readonly JournalRecord[])[] = []
  try {
    const store = await open(fileSystem)
    const acknowledged = (): void => {
      while (possible[0] !== undefined && (possible[0].at(-1)?.seq as number) <= store.durableSeq)
        certain = [...certain, ...(possible.shift() as readonly JournalRecord[])]
    }
    store.onFlush(acknowledged)
    for (const [index, { process, records, awaited }] of batches.entries()) {
      possible.push(
        store.append(
          Array.from({ length: records }, (_, each) => draft(process, `${index}.${each}`)),
          awaited ? 'durable' : 'lazy',
        ),
      )
      if (awaited) await store.durable(store.lastSeq)
      if (index === checkpointAfter && store.durableSeq > 0)
        await store.saveCheckpoint({ seq: store.durableSeq, at: index, rows: new Map() })
    }
    if (end === 'close') await store.close()
  } catch {
    // The power went off; what was acknowledged until then still counts.
  }
  return { certain, possible }
}

/** Which of the unsynced sectors the disk wrote all the same: the bits of a number, over and over. */
function bitsOf(sectors: number): () => boolean {
  let nth = 0
  return () => ((sectors >> (nth++ % 31)) & 1) === 1
}

/** Opens and reads without closing: whoever read may be killed next. */
const readBack = (fileSystem: FileSystem): Promise<JournalRecord[] | Error> =>
  open(fileSystem)
    .then(all)
    .catch((error: Error) => error)

/** Lives one after the other on one disk; returns the first broken promise in words. */
async function brokenBy(
  plans: readonly Plan[],
  wrap: (disk: SimulatedFileSystem) => FileSystem,
): Promise<string | undefined> {
  const disk = simulatedFileSystem({ mostBytesPerWrite: 250 })
  await disk.makeDirectory('/data')
  let inherited: readonly JournalRecord[] = []
  for (const [index, each] of plans.entries()) {
    if (each.end === 'power') disk.cutPower({ operations: each.operations })
    const { fileSystem, die } = mortal(disk)
    const { certain, possible } = await live(wrap(fileSystem as SimulatedFileSystem), each, inherited)
    die()
    // A killed process leaves the page cache as it is; its successor may lose the machine right after.
    if (each.end === 'power') disk.crash({ ...each.kept, keepSector: bitsOf(each.kept.sectors), sectorBytes: 64 })
    const found = await readBack(wrap(disk))
    if (found instanceof Error) return `life ${index} leaves a log that cannot be read: ${found.message}`
    disk.crash()
    const kept = await readBack(disk)
    if (kept instanceof Error) return `life ${index}, read and crashed, cannot be read: ${kept.message}`
    if (JSON.stringify(kept) !== JSON.stringify(found))
      return `life ${index}: ${found.length} read, then ${kept.length}`
    const prefixes = possible.map((_, count) => [...certain, ...possible.slice(0, count).flat()])
    prefixes.push([...certain, ...possible.flat()])
    if (!prefixes.some((prefix) => isDeepStrictEqual(prefix, found)))
      return `life ${index} acknowledged ${certain.length} records, ${found.length} are there`
    inherited = found
    const places = new Map<string, number>()
    for (const { process, n, seq } of found) {
      if (n !== (places.get(process) ?? 0) + 1) return `record ${seq} has place ${n} in ${process}`
      places.set(process, n)
    }
  }
  return undefined
}

describe('life after life on one disk, ended by power cuts, kills and closes', () => {
  test('keeps every promise', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 6 }), async (plans) => {
        expect(await brokenBy(plans, (disk) => disk)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  const lies: [string, (disk: SimulatedFileSystem) => FileSystem][] = [
    [
      'syncs no file',
      (disk) => ({ ...disk, open: async (path, mode) => ({ ...(await disk.open(path, mode)), sync: async () => {} }) }),
    ],
    ['syncs no folder', (disk) => ({ ...disk, syncDirectory: async () => {} })],
  ]
  test.each(lies)('sees a disk that %s', async (_what, wrap) => {
    const broken = await Promise.all(
      fc.sample(fc.array(plan, { minLength: 1, maxLength: 6 }), 50).map((plans) => brokenBy(plans, wrap)),
    )
    expect(broken.some((promise) => promise !== undefined)).toBe(true)
  })
})
