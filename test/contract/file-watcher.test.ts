import type { WatchSpec } from '@vigil/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { closeAll, listen, real, type Subject, simulated, stableMs } from './file-watcher-subjects.ts'

describe.each(Object.entries({ real, simulated }))('%s file watcher', (_name, start) => {
  let subject: Subject
  beforeEach(async () => {
    subject = await start()
  })
  afterEach(async () => {
    await closeAll()
    await subject.close()
  })
  const scanned = async (rest: Partial<WatchSpec>) =>
    (
      await subject.watcher.scan({
        directory: subject.directory,
        patterns: ['*.csv'],
        recursive: false,
        stableMs,
        ...rest,
      })
    ).map(({ kind, path, size }) => `${kind} ${path.slice(subject.directory.length + 1)} ${size}`)

  test('a folder that does not exist holds nothing', async () => {
    expect(await scanned({})).toEqual([])
  })

  test('scans what matches, sorted by path', async () => {
    for (const name of ['b.csv', 'a.csv', 'c.txt', '.hidden.csv', 'deep/d.csv', 'deep/er/e.csv'])
      await subject.put(name, 'x')
    expect(await scanned({})).toEqual(['created a.csv 1', 'created b.csv 1'])
    expect(await scanned({ recursive: true })).toEqual([
      'created a.csv 1',
      'created b.csv 1',
      'created deep/d.csv 1',
      'created deep/er/e.csv 1',
    ])
    expect(await scanned({ recursive: true, patterns: ['deep/*.csv', '*.txt'] })).toEqual([
      'created c.txt 1',
      'created deep/d.csv 1',
    ])
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
    const [created] = await subject.watcher.scan({
      directory: subject.directory,
      patterns: ['old.csv'],
      recursive: false,
      stableMs,
    })
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
