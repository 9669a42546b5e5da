import { type FileOperation, type SimulatedFileSystem, seededRandom, simulatedFileSystem } from '@vigil/testkit'
import { expect, test } from 'vitest'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (content: string): Uint8Array => Buffer.from(content)
const code = (expected: string) => expect.objectContaining({ code: expected })

/** A disk with a durable file `/log`. */
async function diskWith(content: string, disk = simulatedFileSystem()): Promise<SimulatedFileSystem> {
  const handle = await disk.open('/log', 'create')
  handle.write(bytes(content), 0)
  await handle.sync()
  await disk.syncDirectory('/')
  await handle.close()
  return disk
}

test('a full disk takes what lies inside the file, also after a crash, until there is room again', async () => {
  const disk = await diskWith('abcdef')
  disk.full()
  for (const end of [() => undefined, disk.kill, disk.crash]) {
    end()
    const handle = await disk.open('/log', 'write')
    expect(handle.write(bytes('XY'), 1)).toBe(2)
    expect(handle.write(bytes('Zzz'), 5), 'up to the end').toBe(1)
    expect(() => handle.write(bytes('g'), 6)).toThrow(code('ENOSPC'))
    expect(await handle.size()).toBe(6)
  }
  disk.roomAgain()
  expect((await disk.open('/log', 'write')).write(bytes('g'), 6)).toBe(1)
})

test('a persistent failure lasts over a kill, until it is healed or the machine comes back', async () => {
  for (const end of ['heal', 'crash'] as const) {
    const disk = await diskWith('abc')
    disk.failFrom('sync', 'EIO')
    disk.kill()
    const handle = await disk.open('/log', 'write')
    for (let nth = 0; nth < 3; nth += 1) await expect(handle.sync()).rejects.toMatchObject({ code: 'EIO' })
    expect(handle.write(bytes('d'), 3), 'other operations go on').toBe(1)
    disk[end]()
    await expect((await disk.open('/log', 'write')).sync()).resolves.toBeUndefined()
  }
})

test('a failed sync gives its pages up: later ones bring them to the disk only when they are written again', async () => {
  for (const again of [false, true]) {
    const disk = await diskWith('old')
    const handle = await disk.open('/log', 'write')
    handle.write(bytes('new'), 0)
    handle.write(bytes('far'), 8_192)
    disk.failNext({ operation: 'sync', code: 'EIO' })
    await expect(handle.sync()).rejects.toMatchObject({ code: 'EIO' })
    expect(text(await disk.readFile('/log')).slice(0, 3), 'what readers see').toBe('new')
    handle.write(bytes('FAR'), 8_192)
    if (again) handle.write(bytes('n'), 0)
    await handle.sync()
    disk.crash()
    const left = text(await disk.readFile('/log'))
    expect([left.slice(0, 3), left.slice(8_192)]).toEqual([again ? 'new' : 'old', 'FAR'])
  }
})

test('a slow sync commits after its delay what was written before it', async () => {
  const disk = await diskWith('a')
  const delay = Promise.withResolvers<void>()
  disk.slowSyncs(() => delay.promise)
  const handle = await disk.open('/log', 'write')
  handle.write(bytes('b'), 1)
  let synced = false
  const sync = handle.sync().then(() => {
    synced = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(synced).toBe(false)
  handle.write(bytes('c'), 2)
  delay.resolve()
  await sync
  disk.crash()
  expect(text(await disk.readFile('/log'))).toBe('ab')
})

test('a seed says how short each write is', async () => {
  const lengths = async (seed: number): Promise<number[]> => {
    const random = seededRandom(seed)
    const disk = simulatedFileSystem({ shorten: (offered) => Math.floor(random.next() * (offered + 1)) })
    const handle = await disk.open('/log', 'create')
    return Array.from({ length: 50 }, () => handle.write(new Uint8Array(8), 0))
  }
  expect(await lengths(1)).toEqual(await lengths(1))
  expect(new Set(await lengths(1)), 'from one byte to all').toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
})

test('a misdirected write is told as done, and the one after it lands where it should', async () => {
  const disk = await diskWith('abcdef')
  const handle = await disk.open('/log', 'write')
  disk.misdirectNext(-3)
  expect(handle.write(bytes('XY'), 4)).toBe(2)
  expect(handle.write(bytes('Z'), 5)).toBe(1)
  expect(text(await disk.readFile('/log'))).toBe('aXYdeZ')
})

test('each changed name survives or does not, alone; a move never loses its file', async () => {
  const seen = new Set<string>()
  for (let mask = 0; mask < 16; mask += 1) {
    const disk = simulatedFileSystem()
    for (const name of ['/from', '/gone']) await (await disk.open(name, 'create')).close()
    await disk.syncDirectory('/')
    await (await disk.open('/made', 'create')).close()
    await disk.rename('/from', '/to')
    await disk.remove('/gone')
    await disk.makeDirectory('/folder')
    const asked: string[] = []
    disk.crash({
      keepNames: (path) => {
        asked.push(path)
        return ((mask >> (asked.length - 1)) & 1) === 1
      },
    })
    expect(asked).toEqual(['/made', '/from', '/gone', '/folder'])
    const names = await disk.readDirectory('/')
    expect(names.includes('from')).toBe(!names.includes('to'))
    seen.add(names.join(' '))
    disk.crash()
    expect(await disk.readDirectory('/'), 'what survived once stays').toEqual(names)
  }
  expect(seen.size).toBe(16)
})

test('a synced folder keeps its half of a move, and the other half may be lost', async () => {
  const disk = simulatedFileSystem()
  await disk.makeDirectory('/a')
  await disk.makeDirectory('/b')
  await disk.syncDirectory('/')
  await (await disk.open('/a/file', 'create')).close()
  await disk.syncDirectory('/a')
  await disk.rename('/a/file', '/b/file')
  await disk.syncDirectory('/b')
  disk.crash()
  expect([await disk.readDirectory('/a'), await disk.readDirectory('/b')]).toEqual([['file'], ['file']])
})

test('every subset of the sectors of an unsynced write may survive a crash', async () => {
  const seen = new Set<string>()
  for (let mask = 0; mask < 8; mask += 1) {
    const disk = await diskWith('aabbcc')
    const handle = await disk.open('/log', 'write')
    handle.write(bytes('AABBCC'), 0)
    let nth = 0
    disk.crash({ keepSector: () => ((mask >> nth++) & 1) === 1, sectorBytes: 2 })
    seen.add(text(await disk.readFile('/log')))
  }
  expect(seen.size).toBe(8)
})

test('every operation is told before it is done, and comes too late when its caller is killed there', async () => {
  const told: [FileOperation, string][] = []
  let killAt = Number.POSITIVE_INFINITY
  const disk: SimulatedFileSystem = simulatedFileSystem({
    onOperation: (operation, path) => {
      told.push([operation, path])
      if (told.length === killAt) disk.kill()
    },
  })
  await diskWith('abc', disk)
  expect(told).toEqual([
    ['open', '/log'],
    ['write', '/log'],
    ['sync', '/log'],
    ['syncDirectory', '/'],
  ])
  killAt = told.length + 2
  const handle = await disk.open('/log', 'write')
  expect(() => handle.write(bytes('X'), 0)).toThrow(code('EBADF'))
  killAt = told.length + 1
  await expect(disk.remove('/log')).rejects.toMatchObject({ code: 'EBADF' })
  expect(text(await disk.readFile('/log'))).toBe('abc')
  expect(disk.openHandles()).toBe(0)
})
