import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, launch, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

const fleet = fileURLToPath(new URL('../fixtures/misbehaving', import.meta.url))

interface View {
  readonly name: string
  readonly state: string
  readonly pid?: number
  readonly epoch: number
  readonly restarts: number
  readonly last_exit?: { readonly cause: { readonly kind: string } }
  readonly parked?: string
  readonly mailbox: { readonly dead_letters: number }
}

let folder: string
let daemon: Daemon
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-wild-'))
  daemon = await startDaemon(folder, [fleet])
})
afterEach(async () => {
  daemon.child.kill('SIGTERM')
  expect(await daemon.exited).toEqual({ code: 0, signal: null })
  rmSync(folder, { recursive: true, force: true })
})

const view = async (name: string): Promise<View> =>
  (await daemon.call('GET', `/processes/${name}`)).body as unknown as View
const fire = (name: string, act: string, wait = '') => daemon.call('POST', `/processes/${name}/events${wait}`, { act })

async function vigilPs(): Promise<string> {
  const ps = launch('cli', ['ps', '--data', folder, '--url', daemon.url])
  expect(await ps.exited).toMatchObject({ code: 0 })
  return ps.output()
}

test.each([
  ['throw', 0, undefined, 'on purpose'],
  ['exit', 2, 'exit_code', 'exit_code'],
  ['spin', 2, 'heartbeat_lost', 'heartbeat_lost'],
  ['grow', 2, 'memory', 'memory'],
] as const)('an agent that does "%s" costs nobody but itself', async (act, crashes, cause, told) => {
  const before = await view('wild')
  const siblingBefore = await view('sibling')
  const supervisor = daemon.child.pid
  const { body } = await fire('wild', act, '?wait=30s')
  expect(body).toMatchObject({ status: 'dead_lettered' })
  expect(JSON.stringify(body['error'])).toContain(told)
  await until('the agent to run again', async () => (await view('wild')).state === 'running')
  const after = await view('wild')
  expect(after.restarts - before.restarts).toBe(crashes)
  if (cause !== undefined) expect(after.last_exit?.cause.kind).toBe(cause)
  expect((await fire('wild', 'behave', '?wait=30s')).body).toMatchObject({
    status: 'completed',
    result: 'well-behaved',
  })
  // Siblings and supervisor never noticed.
  const sibling = await view('sibling')
  expect([sibling.pid, sibling.epoch, sibling.restarts]).toEqual([siblingBefore.pid, siblingBefore.epoch, 0])
  expect((await fire('sibling', '', '?wait=30s')).body).toMatchObject({ result: 'here' })
  expect(daemon.child.pid).toBe(supervisor)
})

test('vigil ps shows the cause', async () => {
  await fire('wild', 'grow', '?wait=30s')
  const table = await vigilPs()
  expect(table).toMatch(/wild\s+running.*memory \d+ of 64 MB/)
  expect(table).toMatch(/sibling\s+running/)
})

test('a crash loop parks the agent as failed, and start brings it back', async () => {
  for (let k = 0; k < 4; k += 1) await fire('fragile', 'exit')
  await until('fragile to be parked', async () => (await view('fragile')).state === 'failed')
  expect((await view('fragile')).parked).toMatch(/more than 1 restart/)
  expect(await vigilPs()).toMatch(/fragile\s+failed.*exit code 3/)
  await daemon.call('POST', '/processes/fragile/start')
  await until('fragile to handle what waited', async () => {
    const { state, mailbox } = await view('fragile')
    if (state === 'failed') await daemon.call('POST', '/processes/fragile/start')
    return mailbox.dead_letters >= 1 && state === 'running'
  })
})
