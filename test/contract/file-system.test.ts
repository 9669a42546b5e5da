import { join } from 'node:path'
import { writeFileAtomically } from '@vigil/journal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { real, type Subject, simulated } from './file-system-subjects.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (content: string): Uint8Array => Buffer.from(content)

describe.each([
  ['node', real],
  ['simulated', simulated],
])('%s file system', (_name, make) => {
  let subject: Subject
  const at = (name: string): string => join(subject.directory, name)
  beforeEach(async () => {
    subject = await make()
  })
  afterEach(() => subject.close())

  test('reads back what was written, where it was written', async () => {
    const handle = await subject.fileSystem.open(at('a'), 'create')
    expect(handle.write(bytes('hello world'), 0)).toBe(11)
    expect(handle.write(bytes('W'), 6)).toBe(1)
    expect(handle.write(bytes('!'), 13)).toBe(1)
    await handle.sync()
    expect(await handle.size()).toBe(14)
    const target = new Uint8Array(20)
    expect(await handle.read(target, 6)).toBe(8)
    expect(text(target.subarray(0, 8))).toBe('World\0\0!')
    expect(await handle.read(target, 14)).toBe(0)
    await handle.truncate(5)
    await handle.close()
    expect(text(await subject.fileSystem.readFile(at('a')))).toBe('hello')
  })

  test('opens by mode', async () => {
    const { fileSystem } = subject
    await expect(fileSystem.open(at('a'), 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    const made = await fileSystem.open(at('a'), 'write')
    made.write(bytes('kept'), 0)
    await made.close()
    await expect(fileSystem.open(at('a'), 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    const again = await fileSystem.open(at('a'), 'write')
    expect(await again.size()).toBe(4)
    again.write(bytes('K'), 0)
    await again.close()
    expect(text(await fileSystem.readFile(at('a')))).toBe('Kept')
    await expect(fileSystem.open(at('no/such/folder'), 'write')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('opens what is a plain file itself', async () => {
    const { fileSystem } = subject
    await fileSystem.makeDirectory(at('folder'))
    await writeFileAtomically(fileSystem, at('a'), bytes('plain'))
    const handle = await fileSystem.open(at('a'), 'plain')
    expect(await handle.size()).toBe(5)
    await handle.close()
    await expect(fileSystem.open(at('folder'), 'plain')).rejects.toMatchObject({ code: 'EINVAL' })
    await expect(fileSystem.open(at('b'), 'plain')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('holds a folder open, and reaches its names through it', async () => {
    const { fileSystem } = subject
    await fileSystem.makeDirectory(at('folder'))
    const folder = await fileSystem.openDirectory(`${at('folder')}/`)
    expect(folder.realPath).toBe(await fileSystem.realPath(at('folder')))
    await writeFileAtomically(fileSystem, `${folder.base}/a`, bytes('held'), { draft: `${folder.base}/draft` })
    expect(await fileSystem.readDirectory(folder.base)).toEqual(['a'])
    await folder.close()
    expect(text(await fileSystem.readFile(at('folder/a')))).toBe('held')
    await expect(fileSystem.openDirectory(at('folder/a'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(fileSystem.openDirectory(at('none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a closed file refuses everything', async () => {
    const handle = await subject.fileSystem.open(at('a'), 'create')
    await handle.close()
    expect(() => handle.write(bytes('x'), 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
    await expect(handle.sync()).rejects.toMatchObject({ code: 'EBADF' })
    await expect(handle.size()).rejects.toMatchObject({ code: 'EBADF' })
  })

  test('lists, states, renames and removes names', async () => {
    const { fileSystem } = subject
    await fileSystem.makeDirectory(at('deep/er'))
    await fileSystem.makeDirectory(at('deep/er'))
    for (const name of ['c', 'a', 'b']) await (await fileSystem.open(at(name), 'create')).close()
    expect(await fileSystem.readDirectory(subject.directory)).toEqual(['a', 'b', 'c', 'deep'])
    await expect(fileSystem.readDirectory(at('none'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await fileSystem.stat(at('none'))).toBeUndefined()
    expect(await fileSystem.stat(at('a/none'))).toBeUndefined()
    expect(await fileSystem.stat(at('deep'))).toMatchObject({ kind: 'directory' })
    const before = await fileSystem.stat(at('a'))
    expect(before).toMatchObject({ kind: 'file', size: 0 })
    await fileSystem.rename(at('a'), at('b'))
    expect((await fileSystem.stat(at('b')))?.inode).toBe(before?.inode)
    await fileSystem.rename(at('b'), at('deep/b'))
    await expect(fileSystem.rename(at('a'), at('x'))).rejects.toMatchObject({ code: 'ENOENT' })
    await fileSystem.remove(at('c'))
    await fileSystem.remove(at('c'))
    expect(await fileSystem.readDirectory(subject.directory)).toEqual(['deep'])
    await fileSystem.syncDirectory(subject.directory)
    await expect(fileSystem.syncDirectory(at('none'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await fileSystem.realPath(`${at('deep')}/`)).toBe(await fileSystem.realPath(at('deep')))
    await expect(fileSystem.realPath(at('none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('writers of one whole file wait for each other', async () => {
    const { fileSystem } = subject
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(1 + index * 500))
    await Promise.all(contents.map((content) => writeFileAtomically(fileSystem, at('a'), bytes(content))))
    expect(text(await fileSystem.readFile(at('a')))).toBe(contents.at(-1))
    expect(await fileSystem.readDirectory(subject.directory)).toEqual(['a'])
  })
})
