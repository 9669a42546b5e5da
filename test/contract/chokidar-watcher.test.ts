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
})
