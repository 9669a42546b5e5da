import { EventEmitter } from 'node:events'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileChange } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chokidarWatcher } from '../../packages/supervisor/src/platform/file-watcher.ts'
import { closeAll, listen, real, type Subject, stableMs } from './file-watcher-subjects.ts'

describe('chokidar', () => {
  let subject: Subject
  beforeEach(async () => {
    subject = await real()
    await mkdir(subject.directory)
  })
  afterEach(async () => {
    await closeAll()
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
    await writeFile(join(outside, 'latest.csv'), 'x')
    await subject.put('last.csv', 'x')
    await subject.settle(() => told.slice(1), ['created last.csv 1'])
    const scan = await subject.watcher.scan({
      directory: subject.directory,
      patterns: ['*.csv'],
      recursive: true,
      stableMs,
    })
    expect(scan.map(({ path }) => path)).toEqual([
      join(subject.directory, 'last.csv'),
      join(subject.directory, 'own.csv'),
    ])
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
    const watch = await chokidarWatcher({ clock }).watch(
      spec,
      (change) => told.push(change),
      () => {},
    )
    const waiting = () => expect.poll(() => clock.pending(), { timeout: 5_000, interval: 1 }).toBe(1)
    await subject.put('slow.csv', 'x')
    await waiting()
    await subject.put('slow.csv', 'xx')
    await clock.advance(500)
    await waiting()
    expect(told).toEqual([])
    await clock.advance(500)
    await expect
      .poll(() => told.map(({ kind, size }) => [kind, size]), { timeout: 5_000, interval: 1 })
      .toEqual([['created', 2]])
    await watch.close()
  })

  test('closing drops what has not stood still yet', async () => {
    const clock = virtualClock()
    const told: FileChange[] = []
    const spec = { directory: subject.directory, patterns: ['*'], recursive: false, stableMs: 500 }
    const watch = await chokidarWatcher({ clock }).watch(
      spec,
      (change) => told.push(change),
      () => {},
    )
    await subject.put('a.csv', 'x')
    await expect.poll(() => clock.pending(), { timeout: 5_000, interval: 1 }).toBe(1)
    await watch.close()
    expect(clock.pending()).toBe(0)
    await clock.advance(1_000)
    expect(told).toEqual([])
  })

  test('an editor that writes beside the file and renames over it makes one modification', async () => {
    await subject.put('a.csv', 'old')
    const { told } = await listen(subject, { patterns: ['*'], stableMs: 100 })
    for (const text of ['new 1', 'new 22']) {
      await writeFile(join(subject.directory, '.a.csv.tmp'), text)
      await rename(join(subject.directory, '.a.csv.tmp'), join(subject.directory, 'a.csv'))
    }
    await subject.settle(() => told, ['modified a.csv 6'])
  })

  test('the files of a folder that is renamed below a recursive watch go and come', async () => {
    await subject.put('old/a.csv', 'x')
    await subject.put('old/deep/b.csv', 'xy')
    const { told } = await listen(subject, { recursive: true })
    await rename(join(subject.directory, 'old'), join(subject.directory, 'new'))
    const all = ['created new/a.csv 1', 'created new/deep/b.csv 2', 'deleted old/a.csv 1', 'deleted old/deep/b.csv 2']
    await subject.settle(() => told.toSorted(), all)
    await subject.put('new/deep/c.csv', 'xyz')
    await subject.settle(() => told.slice(4), ['created new/deep/c.csv 3'])
  })

  test('a name may be anything that a file may be called', async () => {
    const { told } = await listen(subject)
    const names = ['a b.csv', 'a\nb.csv', '\u00fc.csv', 'u\u0308.csv', '[x](y){z}.csv', '\'"\\.csv']
    for (const name of names) await subject.put(name, 'x')
    await subject.settle(() => told.toSorted(), names.map((name) => `created ${name} 1`).toSorted())
  })

  test('where the system has no watches left, that is told once and the folder is looked through', async () => {
    const clock = virtualClock()
    const told: string[] = []
    const exhausted = Object.assign(new EventEmitter(), { close: async () => {} })
    const open = () => exhausted as never
    const spec = { directory: subject.directory, patterns: ['*.csv'], recursive: false, stableMs }
    const watch = await chokidarWatcher({ clock, open }).watch(
      spec,
      ({ kind, path }) => told.push(`${kind} ${path.slice(subject.directory.length + 1)}`),
      (error) => told.push(error.message),
    )
    for (let k = 0; k < 3; k += 1) exhausted.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))
    expect(told).toEqual([
      `${subject.directory} cannot be watched (ENOSPC) and is looked through every 10 s: raise fs.inotify.max_user_watches`,
    ])
    await subject.put('a.csv', 'x')
    const becomes = (expected: string[]) =>
      expect
        .poll(
          async () => {
            await clock.advance(1_000)
            return told.slice(1)
          },
          { timeout: 5_000, interval: 5 },
        )
        .toEqual(expected)
    await becomes(['created a.csv'])
    await rm(join(subject.directory, 'a.csv'))
    await becomes(['created a.csv', 'deleted a.csv'])
    await watch.close()
    expect(clock.pending()).toBe(0)
  })
})
