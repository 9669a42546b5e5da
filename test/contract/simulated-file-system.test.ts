import { writeFileAtomically } from '@vigil/journal'
import { simulatedFileSystem } from '@vigil/testkit'
import { expect, test } from 'vitest'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (content: string): Uint8Array => Buffer.from(content)

test('a crash loses what was not synced, and only that', async () => {
  const disk = simulatedFileSystem()
  const handle = await disk.open('/log', 'create')
  handle.write(bytes('first'), 0)
  await handle.sync()
  await disk.syncDirectory('/')
  handle.write(bytes(' second'), 5)
  handle.write(bytes('F'), 0)
  disk.crash()
  expect(text(await disk.readFile('/log'))).toBe('first')
  expect(() => handle.write(bytes('x'), 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
})

test('what is written while a sync is under way is not part of it', async () => {
  const disk = simulatedFileSystem()
  const handle = await disk.open('/log', 'create')
  await disk.syncDirectory('/')
  handle.write(bytes('one'), 0)
  const held = disk.holdSyncs()
  const synced = handle.sync()
  await held.arrived
  handle.write(bytes('two'), 3)
  handle.write(bytes('O'), 0)
  held.release()
  await synced
  disk.crash()
  expect(text(await disk.readFile('/log'))).toBe('one')
})

test('names are undone unless their folder was synced', async () => {
  const disk = simulatedFileSystem()
  for (const name of ['/stays', '/moves', '/goes']) await (await disk.open(name, 'create')).close()
  await disk.syncDirectory('/')
  await disk.rename('/moves', '/moved')
  await disk.remove('/goes')
  await disk.makeDirectory('/new')
  disk.crash()
  expect(await disk.readDirectory('/')).toEqual(['goes', 'moves', 'stays'])
})

test('a kinder disk keeps some bytes and all names', async () => {
  const disk = simulatedFileSystem()
  const handle = await disk.open('/log', 'create')
  handle.write(bytes('abc'), 0)
  await handle.sync()
  handle.write(bytes('def'), 3)
  disk.crash({ keepBytes: 2, keepNames: true })
  expect(text(await disk.readFile('/log'))).toBe('abcde')
})

test('the nth call fails as asked, and then no more', async () => {
  const disk = simulatedFileSystem({ mostBytesPerWrite: 2 })
  const handle = await disk.open('/log', 'create')
  disk.failNext({ operation: 'write', code: 'ENOSPC', nth: 2 })
  expect(handle.write(bytes('abc'), 0)).toBe(2)
  expect(() => handle.write(bytes('c'), 2)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
  expect(handle.write(bytes('c'), 2)).toBe(1)
})

test('without power nothing works until the crash', async () => {
  const disk = simulatedFileSystem()
  disk.cutPower({ operations: 1 })
  const handle = await disk.open('/log', 'create')
  await expect(handle.sync()).rejects.toMatchObject({ code: 'EIO' })
  await expect(disk.readFile('/log')).rejects.toMatchObject({ code: 'EIO' })
  disk.crash()
  expect(await disk.readDirectory('/')).toEqual([])
})

test('a whole file is the old or the new one after a crash at any operation', async () => {
  const setUp = async () => {
    const disk = simulatedFileSystem({ mostBytesPerWrite: 2 })
    await writeFileAtomically(disk, '/file', bytes('old'))
    return disk
  }
  const whole = await setUp()
  const before = whole.operations()
  await writeFileAtomically(whole, '/file', bytes('newer'))
  const needed = whole.operations() - before
  expect(needed).toBeGreaterThan(6)
  for (let operations = 0; operations <= needed; operations += 1) {
    for (const keepNames of [false, true]) {
      const disk = await setUp()
      disk.cutPower({ operations })
      const acknowledged = await writeFileAtomically(disk, '/file', bytes('newer')).then(
        () => true,
        () => false,
      )
      disk.crash({ keepNames })
      const found = text(await disk.readFile('/file'))
      expect(acknowledged ? ['newer'] : ['old', 'newer'], `power off after ${operations}`).toContain(found)
    }
  }
})
