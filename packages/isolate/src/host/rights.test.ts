import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileSystem, Permissions } from '@vigil/protocol'
import { afterAll, afterEach, expect, test } from 'vitest'
import { until } from '../../../../test/support/until.ts'
import { bundleOf } from '../../fixtures/bundle.ts'
import { hub, launch, launcher, random, realClock, runtime } from '../../fixtures/launch.ts'
import { startCell } from './cell.ts'
import { startTime } from './proc.ts'
import { runNotes } from './run-notes.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-rights-'))
writeFileSync(join(folder, 'there.txt'), 'read me')
writeFileSync(join(folder, 'native.cjs'), 'module.exports = "from the folder"')
afterAll(() => rmSync(folder, { recursive: true }))

const none: Permissions = { rawNetwork: false, fsRead: [], fsWrite: [], childProcess: false }
let cells = launcher()
afterEach(async () => {
  await cells.close()
  cells = launcher()
})

const tries = `
  const outcomes = {}
  const attempt = (name, act) => { try { outcomes[name] = String(act()) } catch (error) { outcomes[name] = error.code } }
  attempt('read', () => require('fs').readFileSync(${JSON.stringify(join(folder, 'there.txt'))}, 'utf8'))
  attempt('readElsewhere', () => require('fs').readFileSync('/etc/hostname'))
  attempt('write', () => require('fs').writeFileSync(${JSON.stringify(join(folder, 'new.txt'))}, 'x'))
  attempt('spawn', () => require('child_process').execFileSync('echo', ['spawned']).toString().trim())
  attempt('net', () => typeof require('net').connect)
  attempt('native', () => require('./native.cjs'))
  attempt('inspector', () => require('inspector'))
  attempt('worker', () => require('worker_threads'))
  port.post(JSON.stringify(outcomes))`
const denied = 'ERR_ACCESS_DENIED'
const nothing = {
  read: denied,
  readElsewhere: denied,
  write: denied,
  spawn: denied,
  net: denied,
  native: 'MODULE_NOT_FOUND',
  inspector: denied,
  worker: denied,
}

test.each<[string, Partial<Permissions>, Partial<typeof nothing>]>([
  ['nothing', {}, {}],
  ['fs_read', { fsRead: [folder] }, { read: 'read me' }],
  ['fs_write', { fsWrite: [folder] }, { write: 'undefined' }],
  ['child_process', { childProcess: true }, { spawn: 'spawned' }],
  ['raw_network', { rawNetwork: true }, { net: 'function' }],
  ['addons', { addons: `${folder}/`, fsRead: [folder] }, { read: 'read me', native: 'from the folder' }],
])('permissions: %s opens that and nothing else', async (_name, permissions, open) => {
  const cell = launch(tries, { permissions: { ...none, ...permissions } }, cells)
  expect(JSON.parse(await cell.next())).toEqual({ ...nothing, ...open })
})

test('who has permissions shares no cell and gets no spare', async () => {
  const sibling = launch('port.post("in")', { process: 'sibling', trustGroup: 'team' }, cells)
  const wide = launch('port.post("in")', { trustGroup: 'team', permissions: { ...none, fsRead: [folder] } }, cells)
  expect((await wide.started).pid).not.toBe((await sibling.started).pid)
})

test('grandchildren die with the agent', async () => {
  const cell = launch(
    `const { spawn } = require('child_process'); const child = spawn('sleep', ['600'], { stdio: 'inherit' }); port.post(String(child.pid))`,
    { permissions: { ...none, childProcess: true } },
    cells,
  )
  const grandchild = Number(await cell.next())
  cell.guest.kill({ kind: 'shutdown' })
  await cell.exited
  await until('the grandchild to be gone', () => startTime(grandchild) === undefined)
})

test('the memory of grandchildren counts', async () => {
  const hog = 'const all = []; setInterval(() => all.push(Buffer.alloc(8e6, 1)), 5)'
  const cell = launch(
    `require('child_process').spawn(${JSON.stringify(process.execPath)}, ['-e', ${JSON.stringify(hog)}]); port.listen(() => {})`,
    { permissions: { ...none, childProcess: true }, memoryMb: 128 },
    cells,
  )
  expect(await cell.exited).toMatchObject({ kind: 'memory', limit_mb: 128 })
})

test('a thread that is wider than its cell ends the cell', async () => {
  // Only a mistake of ring 0 can ask for it: the guest is placed in a cell that was started for nobody's rights.
  const cell = startCell({
    clock: realClock,
    random,
    hub,
    intake: (backlog) => {
      while (backlog.hearOne());
    },
    notes: runNotes({} as FileSystem, undefined),
    output: () => undefined,
    rights: { flags: [], builtins: [] },
    lends: false,
  })
  const exited = Promise.withResolvers<unknown>()
  cell.seat(
    {
      process: 'wide',
      epoch: 1,
      runtime,
      module: bundleOf('module.exports = () => {}'),
      permissions: { ...none, fsRead: ['/etc'] },
      memoryMb: 64,
      heartbeatTimeoutMs: 30_000,
      startTimeoutMs: 20_000,
      env: {},
    },
    { started: () => undefined, message: () => undefined, exited: exited.resolve },
    1,
  )
  expect(await exited.promise).toMatchObject({ kind: 'signal', signal: 'SIGKILL' })
  await cell.gone
})
