import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DataLock, lockDataDirectory, nodeFileSystem } from '@vigil/journal'
import { type FileOperation, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'

const holderPath = fileURLToPath(new URL('../fixtures/data-lock/holder.ts', import.meta.url))
const clock = virtualClock()

let directory: string
let children: ChildProcess[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vigil-lock-'))
  children = []
})
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  await rm(directory, { recursive: true, force: true })
})

const lock = (): Promise<DataLock> => lockDataDirectory({ fileSystem: nodeFileSystem(), clock, directory })

/** Another process that takes the lock; `said` is its one line. */
function holder(): { readonly child: ChildProcess; readonly said: Promise<string> } {
  const child = spawn(process.execPath, ['--no-warnings', holderPath, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  children.push(child)
  return { child, said: once(child.stdout, 'data').then(([line]) => String(line).trim()) }
}

test('a directory is the same through every path that leads to it', async () => {
  const link = `${directory}-link`
  await symlink(directory, link)
  try {
    const held = await lockDataDirectory({ fileSystem: nodeFileSystem(), clock, directory: link })
    await expect(lock()).rejects.toMatchObject({ code: 'DATA_IN_USE' })
    await held.release()
  } finally {
    await rm(link)
  }
})

test('of several processes that start together exactly one gets it, and a release lets that one end', async () => {
  const all = Array.from({ length: 4 }, holder)
  const said = await Promise.all(all.map((each) => each.said))
  expect(said.toSorted()).toEqual(['DATA_IN_USE', 'DATA_IN_USE', 'DATA_IN_USE', 'held'])
  const winner = all[said.indexOf('held')]?.child as ChildProcess
  winner.stdin?.end()
  const [code] = await once(winner, 'close')
  expect(code, 'a released lock keeps no process alive').toBe(0)
  await (await lock()).release()
})

test('a killed holder that nobody collects holds nothing', async () => {
  // `sleep` takes the place of the shell and never waits for its children.
  const script = '"$0" --no-warnings "$1" "$2" < /dev/zero & exec sleep 60'
  const parent = spawn('sh', ['-c', script, process.execPath, holderPath, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  children.push(parent)
  const [line] = await once(parent.stdout, 'data')
  expect(String(line).trim()).toBe('held')
  const { pid } = JSON.parse(await readFile(join(directory, 'lease.json'), 'utf8'))
  process.kill(pid, 'SIGKILL')
  // The leader is a zombie as soon as it is killed; its descriptors live until the last of its threads is gone.
  const ended = async (): Promise<boolean> =>
    /^State:\tZ/m.test(await readFile(`/proc/${pid}/status`, 'utf8')) &&
    (await readdir(`/proc/${pid}/task`)).length === 1
  await until('a zombie without threads', ended)
  await (await lock()).release()
  expect(await ended(), 'still uncollected').toBe(true)
})

test.each<FileOperation>(['readFile', 'remove', 'open', 'write', 'sync', 'rename', 'syncDirectory'])(
  'a %s that fails while the lock is taken leaves the directory free',
  async (operation) => {
    const disk = simulatedFileSystem()
    await disk.makeDirectory(directory)
    const options = { fileSystem: disk, clock, directory }
    disk.failNext({ operation, code: 'EIO' })
    await expect(lockDataDirectory(options)).rejects.toMatchObject({ code: 'EIO' })
    await (await lockDataDirectory(options)).release()
    expect(clock.pending()).toBe(0)
  },
)

test('a lease that cannot be removed still frees the directory', async () => {
  const disk = simulatedFileSystem()
  await disk.makeDirectory(directory)
  const options = { fileSystem: disk, clock, directory }
  const held = await lockDataDirectory(options)
  disk.failNext({ operation: 'remove', code: 'EIO' })
  await expect(held.release()).rejects.toMatchObject({ code: 'EIO' })
  await (await lockDataDirectory(options)).release()
})
