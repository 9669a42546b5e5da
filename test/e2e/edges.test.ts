import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, launch, startDaemon } from '../support/daemon.ts'

const sibling = fileURLToPath(new URL('../fixtures/misbehaving', import.meta.url))
let folder: string
let home: string
let data: string
let daemon: Daemon | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-edge-'))
  home = join(folder, 'fleet')
  data = join(folder, 'data')
  cpSync(sibling, home, { recursive: true })
})
afterEach(async () => {
  daemon?.child.kill('SIGTERM')
  await daemon?.exited
  daemon = undefined
  rmSync(folder, { recursive: true, force: true })
})

test('a second supervisor on the same data directory exits 4 and names the first, which has the defaults of its fleet', async () => {
  writeFileSync(join(home, 'vigil.yaml'), 'defaults: { labels: { team: night } }\n')
  daemon = await startDaemon(data, [home])
  const second = launch('supervisor', [home, '--data', data, '--port', '0'])
  expect(await second.exited).toEqual({ code: 4, signal: null })
  expect(second.output()).toContain(`pid ${daemon.child.pid}`)
  const { status, body } = await daemon.call('GET', '/processes')
  expect(status).toBe(200)
  expect((await daemon.call('GET', '/processes?label=team%3Dnight')).body).toMatchObject({ total: body['total'] })
})

test('a broken manifest exits 2 with file:line:column and a hint', async () => {
  writeFileSync(join(home, 'broken.agent'), 'name: broken\nentrypoint: ./wild.ts\nrestart_polcy: always\n')
  const run = launch('supervisor', [home, '--data', data, '--port', '0'])
  expect(await run.exited).toEqual({ code: 2, signal: null })
  expect(run.output()).toMatch(/broken\.agent:3:1.*restart_polcy/)
  expect(run.output()).toMatch(/did you mean.*restart_policy/)
})

test('an entrypoint that does not bundle exits 2 with its place', async () => {
  writeFileSync(join(home, 'wild.ts'), 'export default function run( {')
  const run = launch('supervisor', [home, '--data', data, '--port', '0'])
  expect(await run.exited).toEqual({ code: 2, signal: null })
  expect(run.output()).toMatch(/wild\.ts:1:\d+/)
})

test('a port in use exits 1 and says so', async () => {
  const holder = createServer()
  const port = await new Promise<number>((resolve) => {
    holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port))
  })
  const run = launch('supervisor', [home, '--data', data, '--port', String(port)])
  expect(await run.exited).toEqual({ code: 1, signal: null })
  expect(run.output()).toContain(String(port))
  await new Promise((resolve) => holder.close(resolve))
})

test('the token is 0600 and every route but health wants it', async () => {
  daemon = await startDaemon(data, [home])
  expect(statSync(join(data, 'token')).mode & 0o777).toBe(0o600)
  const status = async (path: string, headers = {}): Promise<number> =>
    (await fetch(`${daemon?.url}/api/v1${path}`, { headers })).status
  expect(await status('/health')).toBe(200)
  for (const path of [
    '/ready',
    '/runtime/status',
    '/processes',
    '/processes/sibling',
    '/processes/sibling/journal',
    '/processes/sibling/context',
    '/nowhere',
  ]) {
    expect(await status(path), path).toBe(401)
    expect(await status(path, { authorization: 'Bearer wrong' }), path).toBe(401)
  }
})

test('suspend, resume, restart, stop, start: what was accepted waits and is done', async () => {
  const own = await startDaemon(data, [home])
  daemon = own
  const call = (verb: string) => own.call('POST', `/processes/sibling/${verb}`)
  const runs = async () =>
    ((await own.call('GET', '/processes/sibling/context')).body as { state: { runs?: number } }).state.runs ?? 0
  expect((await call('suspend')).body).toMatchObject({ state: 'suspended' })
  const { body } = await own.call('POST', '/processes/sibling/events', {})
  expect(body).toMatchObject({ accepted: true })
  expect(await runs()).toBe(0)
  expect((await call('resume')).status).toBe(200)
  expect((await own.call('POST', '/processes/sibling/events?wait=10s', {})).body).toMatchObject({ result: 'here' })
  expect(await runs()).toBe(2)
  expect((await call('restart')).status).toBe(200)
  expect((await call('stop')).body).toMatchObject({ state: 'stopped' })
  expect(await own.call('POST', '/processes/sibling/events', {})).toMatchObject({
    status: 409,
    body: { error: { code: 'INVALID_STATE' } },
  })
  await call('start')
  expect((await own.call('POST', '/processes/sibling/events?wait=10s', {})).body).toMatchObject({ result: 'here' })
  expect(await runs()).toBe(3)
})

test('an idempotency key gets the first answer, also after a restart; another body is refused', async () => {
  daemon = await startDaemon(data, [home])
  const post = (payload: unknown) =>
    (daemon as Daemon).call('POST', '/processes/sibling/events', payload, { 'idempotency-key': 'k1' })
  const first = await post({ a: 1 })
  expect(first).toMatchObject({ status: 202, body: { duplicate: false } })
  daemon.child.kill('SIGKILL')
  await daemon.exited
  daemon = await startDaemon(data, [home])
  expect(await post({ a: 1 })).toMatchObject({ body: { duplicate: true, event_id: first.body['event_id'] } })
  expect(await post({ a: 2 })).toMatchObject({ status: 409, body: { error: { code: 'KEY_CONFLICT' } } })
})
