import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { FileChange, FileWatch, FileWatcher, WatchSpec } from '@vigil/protocol'
import { simulatedFileWatcher, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'
import { chokidarWatcher } from '../../packages/supervisor/src/platform/file-watcher.ts'

interface Subject {
  readonly watcher: FileWatcher
  readonly directory: string
  put(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  /** Lets time pass until `read` gives `expected`, at most some seconds. */
  settle(read: () => unknown, expected: unknown): Promise<void>
  close(): Promise<void>
}

async function real(): Promise<Subject> {
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

async function simulated(): Promise<Subject> {
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
const stableMs = 30

/** Watches and collects what is told, as "kind name size". */
async function listen(subject: Subject, rest: Partial<WatchSpec> = {}): Promise<{ told: string[]; changes: FileChange[]; watch: FileWatch }> {
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

describe.each(Object.entries({ real, simulated }))('%s file watcher', (_name, start) => {
  let subject: Subject
  beforeEach(async () => {
    subject = await start()
  })
  afterEach(async () => {
    for (const watch of open.splice(0)) await watch.close()
    await subject.close()
  })
  const scanned = async (rest: Partial<WatchSpec>) =>
    (await subject.watcher.scan({ directory: subject.directory, patterns: ['*.csv'], recursive: false, stableMs, ...rest })).map(({ kind, path, size }) => `${kind} ${path.slice(subject.directory.length + 1)} ${size}`)

  test('a folder that does not exist holds nothing', async () => {
    expect(await scanned({})).toEqual([])
  })

  test('scans what matches, sorted by path', async () => {
    for (const name of ['b.csv', 'a.csv', 'c.txt', '.hidden.csv', 'deep/d.csv', 'deep/er/e.csv']) await subject.put(name, 'x')
    expect(await scanned({})).toEqual(['created a.csv 1', 'created b.csv 1'])
    expect(await scanned({ recursive: true })).toEqual(['created a.csv 1', 'created b.csv 1', 'created deep/d.csv 1', 'created deep/er/e.csv 1'])
    expect(await scanned({ recursive: true, patterns: ['deep/*.csv', '*.txt'] })).toEqual(['created c.txt 1', 'created deep/d.csv 1'])
  })

  test('tells what is created, modified and deleted, and nothing that stood there before', async () => {
    await subject.put('old.csv', 'x')
    const { told, changes } = await listen(subject)
    await subject.put('new.csv', 'x')
    await subject.put('new.txt', 'x')
    await subject.settle(() => told, ['created new.csv 1'])
    await subject.put('old.csv', 'xyz')
    await subject.settle(() => told.slice(1), ['modified old.csv 3'])
    await subject.remove('new.csv')
    await subject.settle(() => told.slice(2), ['deleted new.csv 1'])
    const [created] = await subject.watcher.scan({ directory: subject.directory, patterns: ['old.csv'], recursive: false, stableMs })
    expect({ ...created, kind: 'modified' }).toEqual(changes[1])
  })

  test('writes in a row are one change, of the last size', async () => {
    await subject.put('seed.txt', '')
    const { told } = await listen(subject, { stableMs: 300 })
    for (let size = 1; size <= 5; size++) await subject.put('grows.csv', 'x'.repeat(size))
    await subject.put('end.csv', '')
    await subject.settle(() => told.toSorted(), ['created end.csv 0', 'created grows.csv 5'])
  })

  test('what is gone again before it stood still is not told', async () => {
    await subject.put('seed.txt', '')
    const { told } = await listen(subject, { stableMs: 300 })
    await subject.put('brief.csv', 'x')
    await subject.remove('brief.csv')
    await subject.put('stays.csv', 'x')
    await subject.settle(() => told, ['created stays.csv 1'])
  })

  test('waits for a folder that does not exist yet', async () => {
    const { told } = await listen(subject)
    await subject.put('first.csv', 'x')
    await subject.settle(() => told, ['created first.csv 1'])
    await subject.put('second.csv', 'xy')
    await subject.settle(() => told.slice(1), ['created second.csv 2'])
  })

  test('follows new folders below only if recursive', async () => {
    await subject.put('top.csv', '')
    const deep = await listen(subject, { recursive: true })
    const flat = await listen(subject)
    await subject.put('new/er/deep.csv', 'x')
    await subject.settle(() => deep.told, ['created new/er/deep.csv 1'])
    await subject.put('last.csv', 'x')
    await subject.settle(() => [deep.told.slice(1), flat.told], [['created last.csv 1'], ['created last.csv 1']])
  })

  test('tells nothing after close', async () => {
    await subject.put('a.csv', 'x')
    const closed = await listen(subject)
    const control = await listen(subject)
    await subject.put('b.csv', 'x')
    await closed.watch.close()
    await subject.settle(() => control.told, ['created b.csv 1'])
    expect(closed.told).toEqual([])
  })
})

describe('chokidar', () => {
  let subject: Subject
  beforeEach(async () => {
    subject = await real()
    await mkdir(subject.directory)
  })
  afterEach(async () => {
    for (const watch of open.splice(0)) await watch.close()
    await subject.close()
  })

  test('a rename into place is a creation, over a file a modification', async () => {
    const { told } = await listen(subject)
    const aside = join(dirname(subject.directory), 'aside')
    await writeFile(aside, 'one')
    await rename(aside, join(subject.directory, 'a.csv'))
    await subject.settle(() => told, ['created a.csv 3'])
    await writeFile(aside, 'three')
    await rename(aside, join(subject.directory, 'a.csv'))
    await subject.settle(() => told.slice(1), ['modified a.csv 5'])
  })

  test('a folder that is removed and made anew is watched on', async () => {
    await subject.put('a.csv', 'x')
    const { told } = await listen(subject)
    await rm(subject.directory, { recursive: true })
    await subject.settle(() => told, ['deleted a.csv 1'])
    await subject.put('b.csv', 'x')
    await subject.settle(() => told.slice(1), ['created b.csv 1'])
  })

  test('links are neither told nor followed', async () => {
    const outside = join(dirname(subject.directory), 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret.csv'), 'x')
    const { told } = await listen(subject, { recursive: true })
    await symlink(outside, join(subject.directory, 'folder'))
    await symlink(join(outside, 'secret.csv'), join(subject.directory, 'link.csv'))
    await writeFile(join(outside, 'later.csv'), 'x')
    await subject.put('own.csv', 'x')
    await subject.settle(() => told, ['created own.csv 1'])
    const scan = await subject.watcher.scan({ directory: subject.directory, patterns: ['*.csv'], recursive: true, stableMs })
    expect(scan.map(({ path }) => path)).toEqual([join(subject.directory, 'own.csv')])
  })

  test('a watched folder may itself be a link; paths are told as they were given', async () => {
    const link = join(dirname(subject.directory), 'by-link')
    await symlink(subject.directory, link)
    const { changes } = await listen(subject, { directory: link })
    await subject.put('a.csv', 'x')
    await subject.settle(() => changes.map(({ path }) => path), [join(link, 'a.csv')])
  })

  test('a file that still grows is told only after it stood still', async () => {
    const clock = virtualClock()
    const told: FileChange[] = []
    const spec = { directory: subject.directory, patterns: ['*'], recursive: false, stableMs: 500 }
    open.push(await chokidarWatcher({ clock }).watch(spec, (change) => told.push(change), () => {}))
    const waiting = () => expect.poll(() => clock.pending(), { timeout: 5_000, interval: 1 }).toBe(1)
    await subject.put('slow.csv', 'x')
    await waiting()
    await subject.put('slow.csv', 'xx')
    await clock.advance(500)
    await waiting()
    expect(told).toEqual([])
    await clock.advance(500)
    await expect.poll(() => told.map(({ kind, size }) => [kind, size]), { timeout: 5_000, interval: 1 }).toEqual([['created', 2]])
  })
})
