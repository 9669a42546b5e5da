import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import { type FileSystem, limits } from '@vigil/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallSite } from '../effect.ts'
import { fileEffects } from './files.ts'

let top: string
const at = (...names: string[]): string => join(top, ...names)
const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'vigil-files-')))
  put(at('in/a.txt'), 'inside')
  put(at('in/deep/b.txt'), 'deep')
  put(at('outside/secret.txt'), 'SECRET')
  mkdirSync(at('data'))
})
afterEach(() => rmSync(top, { recursive: true }))

/** Agent `worker` with the folders `in` and `all` (with all of it below), both writable, and the file `one`. */
function agent(fileSystem: FileSystem = nodeFileSystem()) {
  const mount = (path: string) => ({ path, mode: 'rw' as const })
  const files = { in: mount(at('in')), all: mount(top), one: mount(at('one.json')), linked: mount(at('linked')) }
  const site = { process: { name: 'worker', manifest: { files } }, turn: { turn: 't1' }, key: 'k' }
  const effects = fileEffects(fileSystem, at('data'))
  const call = async (kind: keyof typeof effects, path: string, body = ''): Promise<unknown> => {
    const [name = '', ...rest] = path.split('/')
    const input = { mount: name, path: rest.join('/'), body: Buffer.from(body).toString('base64') }
    const effect = effects[kind]
    effect.decide(site as unknown as CallSite, input)
    return await effect.act(site as unknown as CallSite, input, undefined)
  }
  return {
    read: async (path: string) =>
      Buffer.from(((await call('file.read', path)) as { body: string }).body, 'base64').toString(),
    write: (path: string, text: string) => call('file.write', path, text),
    list: (path: string) => call('file.list', path),
  }
}
const denied = { code: 'FILE_DENIED' }

test('files are read, written with the folders that are missing, and listed', async () => {
  const { read, write, list } = agent()
  await write('in/new/folder/c.txt', 'c')
  expect([await read('in/new/folder/c.txt'), await read('in/deep/../b.txt').catch(({ code }) => code)]).toEqual([
    'c',
    'FILE_DENIED',
  ])
  expect(await list('in')).toEqual([{ name: 'a.txt', size: 6 }])
  expect(await list('in/deep/')).toEqual([{ name: 'b.txt', size: 4 }])
})

test('one file may be declared, and nothing beside it', async () => {
  const { read, write } = agent()
  await write('one', '{}')
  expect([await read('one'), readFileSync(at('one.json'), 'utf8')]).toEqual(['{}', '{}'])
  await expect(read('one/x')).rejects.toMatchObject({ code: 'FILE_FAILED' })
})

test('a write takes the place of a file at once, and of no other name', async () => {
  const { write } = agent()
  put(at('in/a.txt.tmp'), 'of somebody')
  await write('in/a.txt', 'new')
  expect(readdirSync(at('in')).sort()).toEqual(['a.txt', 'a.txt.tmp', 'deep'])
  expect(readFileSync(at('in/a.txt.tmp'), 'utf8')).toBe('of somebody')
})

describe('nothing leads out', () => {
  test.each<[string, string, () => void]>([
    ['a link to a file', 'in/link', () => symlinkSync(at('outside/secret.txt'), at('in/link'))],
    ['a relative link', 'in/link', () => symlinkSync('../outside/secret.txt', at('in/link'))],
    [
      'a link over a link',
      'in/link',
      () => {
        symlinkSync(at('outside/secret.txt'), at('in/second'))
        symlinkSync('second', at('in/link'))
      },
    ],
    ['a link to a folder', 'in/way/secret.txt', () => symlinkSync(at('outside'), at('in/way'))],
    ['a link in the middle', 'in/way/outside/secret.txt', () => symlinkSync('..', at('in/way'))],
    ['..', 'in/../outside/secret.txt', () => undefined],
    [
      '.. behind a folder that is a link',
      'in/way/../outside/secret.txt',
      () => symlinkSync(at('in/deep'), at('in/way')),
    ],
    ['a folder of the same beginning', 'in/../inside/x', () => put(at('inside/x'), 'SECRET')],
    ['the data of Vigil', 'all/data/token', () => put(at('data/token'), 'SECRET')],
    [
      'the data of Vigil, over a link',
      'all/way/token',
      () => {
        put(at('data/token'), 'SECRET')
        symlinkSync(at('data'), at('way'))
      },
    ],
    [
      'the data of Vigil, which a path says to be a folder of the agent',
      'linked/token',
      () => {
        put(at('data/token'), 'SECRET')
        symlinkSync(at('data'), at('linked'))
      },
    ],
  ])('%s', async (_what, path, prepare) => {
    prepare()
    await expect(agent().read(path)).rejects.toMatchObject(denied)
  })

  test('an absolute path is one below the folder', async () => {
    await expect(agent().read('in//etc/hostname')).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await expect(agent().read('/etc/hostname')).rejects.toMatchObject(denied)
  })

  test('what is written through a link takes the place of the link, and through that of a folder is refused', async () => {
    symlinkSync(at('outside/secret.txt'), at('in/link'))
    symlinkSync(at('outside'), at('in/way'))
    const { write } = agent()
    await write('in/link', 'mine')
    await expect(write('in/way/secret.txt', 'mine')).rejects.toMatchObject(denied)
    await expect(write('in/way/new/x', 'mine')).rejects.toMatchObject(denied)
    expect([readFileSync(at('outside/secret.txt'), 'utf8'), readFileSync(at('in/link'), 'utf8')]).toEqual([
      'SECRET',
      'mine',
    ])
    expect(readdirSync(at('outside'))).toEqual(['secret.txt'])
  })

  test('a name that is a second one of a file elsewhere is replaced without that file', async () => {
    linkSync(at('outside/secret.txt'), at('in/hard'))
    await agent().write('in/hard', 'mine')
    expect(readFileSync(at('outside/secret.txt'), 'utf8')).toBe('SECRET')
  })

  test('a list tells nothing of where links lead to', async () => {
    symlinkSync(at('outside/secret.txt'), at('in/link'))
    symlinkSync(at('in/deep/b.txt'), at('in/own'))
    expect(await agent().list('in')).toEqual([
      { name: 'a.txt', size: 6 },
      { name: 'own', size: 4 },
    ])
    symlinkSync(at('outside'), at('in/way'))
    await expect(agent().list('in/way')).rejects.toMatchObject(denied)
  })

  test('links within the folder are followed', async () => {
    symlinkSync('deep', at('in/way'))
    symlinkSync('way/b.txt', at('in/link'))
    const { read, write } = agent()
    expect([await read('in/way/b.txt'), await read('in/link')]).toEqual(['deep', 'deep'])
    await write('in/way/c.txt', 'c')
    expect(existsSync(at('in/deep/c.txt'))).toBe(true)
  })
})

test('what never ends, or is no file, is not read', async () => {
  execFileSync('mkfifo', [at('in/pipe')])
  put(at('in/large'), 'x'.repeat(limits.bodyBytes + 1))
  const { read, list } = agent()
  await expect(read('in/pipe')).rejects.toMatchObject({
    code: 'FILE_FAILED',
    message: 'read in/pipe: EINVAL: not a plain file',
  })
  await expect(read('in/deep')).rejects.toMatchObject({ code: 'FILE_FAILED' })
  await expect(read('in/large')).rejects.toMatchObject({ code: 'TOO_LARGE' })
  await expect(list('in/a.txt')).rejects.toMatchObject({ code: 'FILE_FAILED' })
})

describe('while folders are renamed', () => {
  /** Before the operation of this number `in/deep` gives its place to a link that leads out. */
  const swapBefore = (nth: number): FileSystem => {
    let operations = 0
    const swap = (): void => {
      renameSync(at('in/deep'), at('moved'))
      symlinkSync(at('outside'), at('in/deep'))
    }
    return new Proxy(nodeFileSystem(), {
      get:
        (target, name: keyof FileSystem) =>
        (...args: never[]) => {
          operations += 1
          if (operations === nth) swap()
          return (target[name] as (...given: never[]) => unknown)(...args)
        },
    })
  }
  const moments = Array.from({ length: 12 }, (_, index) => index + 1)

  test.each(moments)('before operation %i: nothing of elsewhere is read or listed', async (nth) => {
    put(at('outside/b.txt'), 'SECRET')
    const found = await agent(swapBefore(nth))
      .read('in/deep/b.txt')
      .catch(({ code }) => code)
    expect(['deep', 'FILE_DENIED', 'FILE_FAILED']).toContain(found)
  })

  test.each(moments)('before operation %i: nothing is written elsewhere', async (nth) => {
    await agent(swapBefore(nth))
      .write('in/deep/b.txt', 'mine')
      .catch(() => undefined)
    expect(readdirSync(at('outside'))).toEqual(['secret.txt'])
  })
})
