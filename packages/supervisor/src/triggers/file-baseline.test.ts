import type { FileChange } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { compareScan, fileKey } from './file-baseline.ts'

const file = (path: string, size = 1): FileChange => ({ kind: 'created', path, size, mtimeMs: 10.5, inode: 7 })
const baselineOf = (...files: FileChange[]) => new Map(files.map((each) => [each.path, fileKey(each)]))
const all = ['created', 'modified', 'deleted'] as const
const told = (change: { deliver: readonly FileChange[] }) => change.deliver.map(({ kind, path }) => `${kind} ${path}`)

test('tells what came, changed and went, by path', () => {
  const change = compareScan(
    baselineOf(file('/b'), file('/c'), file('/d')),
    [file('/a'), file('/b', 2), file('/c')],
    all,
  )
  expect(told(change)).toEqual(['created /a', 'modified /b', 'deleted /d'])
  expect(change.set).toEqual([
    ['/a', '1:10.5:7'],
    ['/b', '2:10.5:7'],
  ])
  expect(change.removed).toEqual(['/d'])
})

test('a deletion names the version that went', () => {
  expect(compareScan(baselineOf(file('/d', 42)), [], all).deliver).toEqual([
    { kind: 'deleted', path: '/d', size: 42, mtimeMs: 10.5, inode: 7 },
  ])
})

test('another inode at the same size and time is a modification', () => {
  expect(told(compareScan(baselineOf(file('/a')), [{ ...file('/a'), inode: 8 }], all))).toEqual(['modified /a'])
})

test('what is not asked for is remembered without being told', () => {
  const change = compareScan(baselineOf(file('/b'), file('/d')), [file('/a'), file('/b', 2)], ['modified'])
  expect(told(change)).toEqual(['modified /b'])
  expect(change.set.map(([path]) => path)).toEqual(['/a', '/b'])
  expect(change.removed).toEqual(['/d'])
})

test('an unchanged folder changes nothing', () => {
  expect(compareScan(baselineOf(file('/a')), [file('/a')], all)).toEqual({
    deliver: [],
    set: [],
    removed: [],
    overflow: 0,
  })
})

test('counts what finds no room; a deletion makes room', () => {
  const full = compareScan(baselineOf(file('/a'), file('/b')), [file('/a', 2), file('/b'), file('/c')], all, 2)
  expect(told(full)).toEqual(['modified /a'])
  expect(full.overflow).toBe(1)
  const freed = compareScan(baselineOf(file('/a'), file('/b')), [file('/b'), file('/c')], all, 2)
  expect(told(freed)).toEqual(['deleted /a', 'created /c'])
  expect(freed.overflow).toBe(0)
})
