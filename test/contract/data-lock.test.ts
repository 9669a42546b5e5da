import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockDataDirectory, nodeFileSystem } from '@vigil/journal'
import { type SimulatedFileSystem, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('on the files of this machine', () => {
  const clock = virtualClock()
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vigil-lock-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))
  const lock = () => lockDataDirectory({ fileSystem: nodeFileSystem(), clock, directory })

  test('one of many contenders gets it, and the next after its release', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 5 }, lock))
    const won = tries.filter((each) => each.status === 'fulfilled')
    expect(won).toHaveLength(1)
    for (const each of tries) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'DATA_IN_USE' })
    await expect(lock()).rejects.toThrow(String(process.pid))
    await won[0]?.value.release()
    expect(clock.pending()).toBe(0)
    const next = await lock()
    await next.release()
    expect(await nodeFileSystem().readDirectory(directory)).toEqual([])
  })

  test('is free at once when its holder is killed, and names the holder until then', async () => {
    const program = `
      import { lockDataDirectory, nodeFileSystem } from ${JSON.stringify(new URL('../../packages/journal/src/index.ts', import.meta.url).href)}
      const clock = { now: Date.now, monotonic: () => performance.now(), setTimer: () => ({ cancel() {} }) }
      await lockDataDirectory({ fileSystem: nodeFileSystem(), clock, directory: ${JSON.stringify(directory)} })
      setInterval(() => {}, 1_000)
      console.log('locked')`
    const args = [
      '--conditions=@vigil/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      program,
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    try {
      let said = ''
      child.stdout.on('data', (chunk) => {
        said += chunk
      })
      await until('the other process to lock', () => said.includes('locked'))
      await expect(lock()).rejects.toMatchObject({
        code: 'DATA_IN_USE',
        message: expect.stringContaining(`pid ${child.pid}`),
      })
      child.kill('SIGKILL')
      await closed
      await (await lock()).release()
    } finally {
      child.kill('SIGKILL')
      await closed
    }
  })

  test.each(['', '{', 'null', '[]', '7'])('a lease that says %j holds nothing', async (content) => {
    await writeFile(join(directory, 'lease.json'), content)
    await (await lock()).release()
  })
})

describe('by its lease', () => {
  // The socket's name comes from the path, and other test files run at the same time.
  const directory = `/lock-${process.pid}`
  const path = `${directory}/lease.json`
  let disk: SimulatedFileSystem
  const clock = virtualClock()
  const lock = () => lockDataDirectory({ fileSystem: disk, clock, directory })
  beforeEach(async () => {
    disk = simulatedFileSystem()
    await disk.makeDirectory(directory)
  })
  const leave = async (lease: object): Promise<void> => {
    const handle = await disk.open(path, 'write')
    handle.write(Buffer.from(JSON.stringify(lease)), 0)
    await handle.close()
  }
  /** What a real holder writes. */
  const ours = async (): Promise<Record<string, unknown>> => {
    const held = await lock()
    const lease = JSON.parse(text(await disk.readFile(path)))
    await held.release()
    return lease
  }

  test('names who holds it, since when, and is renewed every 2 s', async () => {
    const held = await lock()
    const read = async () => JSON.parse(text(await disk.readFile(path)))
    expect(await read()).toEqual({
      pid: process.pid,
      start_time: expect.stringMatching(/^\d+$/),
      boot_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      host: hostname(),
      renewed_at: clock.now(),
    })
    await clock.advance(1_999)
    expect((await read()).renewed_at).toBe(clock.now() - 1_999)
    await clock.advance(1)
    expect((await read()).renewed_at).toBe(clock.now())
    disk.failNext({ operation: 'write', code: 'ENOSPC' })
    await clock.advance(4_000)
    expect((await read()).renewed_at).toBe(clock.now())
    await held.release()
    expect(clock.pending()).toBe(0)
    expect(await disk.readDirectory(directory)).toEqual([])
  })

  test.each([{ host: 'elsewhere' }, { boot_id: 'another' }])(
    'of a machine that we cannot see (%o) holds for 10 s',
    async (other) => {
      const lease = { ...(await ours()), ...other }
      await leave({ ...lease, renewed_at: clock.now() - 9_999 })
      await expect(lock()).rejects.toMatchObject({ code: 'DATA_IN_USE', details: other })
      await leave({ ...lease, renewed_at: clock.now() - 10_000 })
      await (await lock()).release()
    },
  )

  test('of a living process here holds however old it is; of a dead one or a reused pid it does not', async () => {
    const lease = await ours()
    const stat = text(await nodeFileSystem().readFile(`/proc/${process.ppid}/stat`))
    const parent = {
      ...lease,
      pid: process.ppid,
      start_time: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
      renewed_at: 0,
    }
    await leave(parent)
    await expect(lock()).rejects.toMatchObject({
      code: 'DATA_IN_USE',
      message: expect.stringContaining(`${process.ppid}`),
    })
    await leave({ ...parent, start_time: '1', renewed_at: clock.now() })
    await (await lock()).release()
    await leave({ ...parent, pid: 2 ** 22 + 1, renewed_at: clock.now() })
    await (await lock()).release()
  })

  test('that cannot be written leaves nothing locked', async () => {
    disk.failNext({ operation: 'write', code: 'ENOSPC' })
    await expect(lock()).rejects.toThrow('ENOSPC')
    await (await lock()).release()
  })
})
