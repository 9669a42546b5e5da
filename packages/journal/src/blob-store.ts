import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { BodySweep, FileSystem } from '@vigil/protocol'
import { makeDurableDirectory, writeFully } from './atomic-file.ts'
import type { Body } from './line-bodies.ts'
import { oneByOne } from './one-by-one.ts'

/**
 * The bodies beside the log: `blobs/<process>/<sha256>`, each whole or not there. Invariants: a body and its name are durable
 * before the line that names it, and a body that somebody is about to name is not taken away.
 */
export interface BlobStore {
  /** A line that names this body is on its way. */
  named(body: Body): void
  /** Makes them durable; one sync of a folder serves all bodies of a process. */
  write(bodies: readonly Body[]): Promise<void>
  /** Its JSON; undefined when it is not there, or is not what was written. */
  read(process: string, hash: string): Promise<string | undefined>
  processes(): Promise<string[]>
  /** `settled` resolves when all that is known by now is durable. Returns how many were removed. */
  sweep(sweep: BodySweep, settled: () => Promise<void>): Promise<number>
  /** When it resolves nothing is removed any more: the next who opens the log may already write. */
  close(): Promise<void>
}

const mostAtOnce = 8
const mostRemembered = 10_000
/** Age is counted from the newest line that names a body, give or take so much. */
const freshMs = 3_600_000
const draft = '.tmp'

export function blobStore(fileSystem: FileSystem, directory: string, now: () => number): BlobStore {
  /** When the body of a path was written, as far as is remembered: the oldest first. */
  const written = new Map<string, number>()
  const folders = new Set<string>()
  /** For each sweep that is under way: what was named since it looked at what is needed. */
  const namedSince = new Set<Set<string>>()
  // Between the look at a body that is there and its line, nobody may remove it.
  const alone = oneByOne()
  let closed = false

  const pathOf = ({ process, hash }: Pick<Body, 'process' | 'hash'>): string => join(directory, process, hash)

  const writeOne = async (path: string, text: string): Promise<void> => {
    await fileSystem.remove(path + draft)
    const handle = await fileSystem.open(path + draft, 'create')
    try {
      writeFully(handle, Buffer.from(text), 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fileSystem.rename(path + draft, path)
  }

  const remember = (path: string): void => {
    written.delete(path)
    written.set(path, now())
    const [oldest] = written.keys()
    if (written.size > mostRemembered && oldest !== undefined) written.delete(oldest)
  }

  const write = async (bodies: readonly Body[]): Promise<void> => {
    const missing = new Map(bodies.map((body) => [pathOf(body), body]))
    for (const path of missing.keys()) if (now() - (written.get(path) ?? 0) < freshMs) missing.delete(path)
    const changed = new Set([...missing.values()].map(({ process }) => join(directory, process)))
    for (const folder of changed) {
      if (!folders.has(folder)) await makeDurableDirectory(fileSystem, folder)
      folders.add(folder)
    }
    await inParallel([...missing], ([path, { text }]) => writeOne(path, text))
    await inParallel([...changed], (folder) => fileSystem.syncDirectory(folder))
    for (const path of missing.keys()) remember(path)
  }

  const candidates = async ({ before }: BodySweep): Promise<Pick<Body, 'process' | 'hash'>[]> => {
    const old: Pick<Body, 'process' | 'hash'>[] = []
    for (const [process, beforeMs] of before) {
      for (const hash of await namesIn(fileSystem, join(directory, process))) {
        const stat = await fileSystem.stat(pathOf({ process, hash }))
        if (stat !== undefined && stat.mtimeMs < beforeMs) old.push({ process, hash })
      }
    }
    return old
  }

  const take = async (
    bodies: readonly Pick<Body, 'process' | 'hash'>[],
    isNeeded: (hash: string, path: string) => boolean,
  ): Promise<number> => {
    let removed = 0
    for (const body of bodies) {
      if (closed) break
      const path = pathOf(body)
      if (isNeeded(body.hash, path)) continue
      written.delete(path)
      await fileSystem.remove(path)
      removed += 1
    }
    return removed
  }

  return {
    named(body) {
      for (const recent of namedSince) recent.add(pathOf(body))
    },
    write: (bodies) => (bodies.length === 0 ? Promise.resolve() : alone(() => write(bodies))),
    async read(process, hash) {
      try {
        const text = Buffer.from(await fileSystem.readFile(pathOf({ process, hash }))).toString('utf8')
        return createHash('sha256').update(text).digest('hex') === hash ? text : undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    processes: () => namesIn(fileSystem, directory),
    async sweep(sweep, settled) {
      const old = await candidates(sweep)
      if (old.length === 0) return 0
      const recent = new Set<string>()
      try {
        // In one tick: whatever is named later is among the recent.
        namedSince.add(recent)
        const needed = sweep.needed()
        await settled()
        return await alone(() => take(old, (hash, path) => needed.has(hash) || recent.has(path)))
      } finally {
        namedSince.delete(recent)
      }
    },
    close() {
      closed = true
      return alone(() => Promise.resolve())
    },
  }
}

async function namesIn(fileSystem: FileSystem, folder: string): Promise<string[]> {
  return (await fileSystem.stat(folder)) === undefined ? [] : await fileSystem.readDirectory(folder)
}

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const lane = async (): Promise<void> => {
    for (const item of left) await act(item)
  }
  // All lanes have ended before a failure is told: nobody goes on writing behind it.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(mostAtOnce, items.length) }, lane))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
