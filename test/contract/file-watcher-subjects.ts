import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { FileChange, FileWatch, FileWatcher, WatchSpec } from '@vigil/protocol'
import { simulatedFileWatcher, virtualClock } from '@vigil/testkit'
import { expect } from 'vitest'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'
import { chokidarWatcher } from '../../packages/supervisor/src/platform/file-watcher.ts'

/** The real file watcher on a folder of its own, and its twin, behind one face for the contract. */
export interface Subject {
  readonly watcher: FileWatcher
  readonly directory: string
  put(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  /** Lets time pass until `read` gives `expected`, at most some seconds. */
  settle(read: () => unknown, expected: unknown): Promise<void>
  close(): Promise<void>
}

export async function real(): Promise<Subject> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'vigil-watch-')))
  const clock = systemClock()
  return {
    watcher: chokidarWatcher({ clock }),
    directory: join(base, 'watched'),
    async put(name, text) {
      await mkdir(dirname(join(base, 'watched', name)), { recursive: true })
      await writeFile(join(base, 'watched', name), text)
    },
    remove: (name) => rm(join(base, 'watched', name)),
    settle: (read, expected) => expect.poll(read, { timeout: 5_000, interval: 5 }).toEqual(expected),
    async close() {
      clock.close()
      await rm(base, { recursive: true, force: true })
    },
  }
}

export async function simulated(): Promise<Subject> {
  const clock = virtualClock()
  const watcher = simulatedFileWatcher({ clock })
  return {
    watcher,
    directory: '/watched',
    put: async (name, text) => watcher.put(join('/watched', name), text),
    remove: async (name) => watcher.remove(join('/watched', name)),
    async settle(read, expected) {
      await clock.advance(1_000)
      expect(read()).toEqual(expected)
    },
    close: async () => {},
  }
}

const open: FileWatch[] = []

/** Closes what `listen` opened. */
export async function closeAll(): Promise<void> {
  for (const watch of open.splice(0)) await watch.close()
}
export const stableMs = 30

/** Watches and collects what is told, as "kind name size". */
export async function listen(
  subject: Subject,
  rest: Partial<WatchSpec> = {},
): Promise<{ told: string[]; changes: FileChange[]; watch: FileWatch }> {
  const told: string[] = []
  const changes: FileChange[] = []
  const spec: WatchSpec = { directory: subject.directory, patterns: ['*.csv'], recursive: false, stableMs, ...rest }
  const watch = await subject.watcher.watch(
    spec,
    (change) => {
      changes.push(change)
      told.push(`${change.kind} ${change.path.slice(subject.directory.length + 1)} ${change.size}`)
    },
    (error) => told.push(`failed ${error.message}`),
  )
  open.push(watch)
  return { told, changes, watch }
}
