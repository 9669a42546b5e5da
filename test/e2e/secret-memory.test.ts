import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { familyOf, memoryForms, type Place, scanMemory } from '../support/memory-scan.ts'
import { until } from '../support/until.ts'

const someSecret = (): Buffer =>
  Buffer.from(`k "${randomBytes(18).toString('base64')}"/${randomBytes(9).toString('hex')}`)

/** Where they come from, and how they are used: sent in the place of a placeholder, or lent to code. */
const secrets = {
  'of a file, sent': someSecret(),
  'of a file, lent': someSecret(),
  'given, sent': someSecret(),
  'given, lent': someSecret(),
  'given, never used': someSecret(),
}
const variable = someSecret()
/** Of base64 alone, so that JSON writes it as it is. */
const ofJson = Buffer.from(`json ${randomBytes(24).toString('base64')}`)
type Named = keyof typeof secrets

let folder: string
let server: Server
let daemon: Daemon
let seen: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-secret-memory-'))
  seen = ''
  server = createServer(async (request, response) => {
    seen += `${request.url} ${request.headers['x-key']} ${await text(request)}\n`
    response.end('thank you')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const entrypoint = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
  const agent = (name: string, lines: string): void =>
    writeFileSync(join(folder, `${name}.agent`), `name: ${name}\n${lines}`)
  for (const name of ['sender', 'caller']) {
    const line = `secrets: { api: { file: ./sent }, variable: "\${SOME_KEY}" }\n`
    agent(name, `entrypoint: ${entrypoint('fetcher/secretive.ts')}\nnetwork: { allow: ["${host}"] }\n${line}`)
  }
  for (const name of ['borrower', 'holder'])
    agent(name, `entrypoint: ${entrypoint('lease/lease.ts')}\nsecrets: { key: { file: ./lent, lease: true } }\n`)
  writeFileSync(join(folder, 'sent'), secrets['of a file, sent'])
  writeFileSync(join(folder, 'lent'), secrets['of a file, lent'])
  daemon = await startDaemon(join(folder, 'data'), [folder], { SOME_KEY: variable.toString() })
})
afterEach(async () => {
  daemon.child.kill('SIGKILL')
  await daemon.exited
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** The kinds of needles that lie in the memory of these processes. */
async function found(pids: readonly number[], needles: Readonly<Record<string, Buffer>>): Promise<string[]> {
  const places: Place[] = []
  for (const pid of pids) places.push(...(await scanMemory(pid, needles)))
  return [...new Set(places.map(({ needle }) => needle))]
}

/** A turn of an agent, with its result. */
const turn = async (name: string, payload: unknown): Promise<unknown> =>
  (await daemon.call('POST', `/processes/${name}/events?wait=20s`, payload)).body['result']

const send = async (name: string, secret: Named): Promise<void> => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?q={api}`
  const init = { headers: { 'x-key': 'Bearer {api}' }, body: '{"key":"{api}"}' }
  expect(await turn(name, { url, init })).toMatchObject({ status: 200 })
  expect(seen).toContain(`Bearer ${secrets[secret]}`)
}

const lend = async (name: string, secret: Named): Promise<void> => {
  const sum = secrets[secret].reduce((all, byte) => all + byte, 0)
  expect(await turn(name, { act: 'sum' })).toEqual({ sum, isZero: true })
}

/** As a caller sends bytes. */
const give = async (name: string, key: string, secret: Named): Promise<void> => {
  const token = readFileSync(join(folder, 'data', 'token'), 'utf8').trim()
  const reply = await fetch(`${daemon.url}/api/v1/processes/${name}/secrets/${key}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(secrets[secret]),
  })
  expect(reply.status).toBe(200)
}

const stop = async (name: string): Promise<void> => {
  await daemon.call('POST', `/processes/${name}/stop`)
  const state = async () => (await daemon.call('GET', `/processes/${name}`)).body['state']
  await until(`${name} to be stopped`, async () => (await state()) === 'stopped')
}

test('bytes_only_path_leaves_no_needle_in_proc_mem', async () => {
  await give('caller', 'api', 'given, sent')
  await give('holder', 'key', 'given, lent')
  for (let round = 0; round < 3; round += 1) {
    await send('sender', 'of a file, sent')
    await send('caller', 'given, sent')
    await lend('borrower', 'of a file, lent')
    await lend('holder', 'given, lent')
  }
  const [supervisor = 0, ...cells] = familyOf(daemon.child.pid ?? 0)
  const { 'given, never used': _, ...used } = secrets
  // A scan that finds nothing has to be one that could: what is in use lies in the supervisor, and nowhere else.
  expect((await found([supervisor], used)).sort()).toEqual(Object.keys(used).sort())
  await give('caller', 'spare', 'given, never used')
  await daemon.call('DELETE', '/processes/caller/secrets')
  await daemon.call('DELETE', '/processes/holder/secrets')
  await stop('sender')
  const forms = Object.assign({}, ...Object.entries(secrets).map(([name, secret]) => memoryForms(name, secret)))
  // The cell of what is not stopped yet is still there.
  expect(cells.length).toBeGreaterThan(3)
  expect(await found([...cells.filter((pid) => familyOf(supervisor).includes(pid))], { ...forms, variable })).toEqual(
    [],
  )
  await stop('borrower')
  expect(await found([supervisor], { ...forms })).toEqual([])
  const patch = { value: ofJson.toString() }
  expect((await daemon.call('PATCH', '/processes/caller/secrets/spare', patch)).status).toBe(200)
  expect((await daemon.call('DELETE', '/processes/caller/secrets/spare')).status).toBe(200)
  // As the manual says: a variable stays where it came from, and of what came as JSON the parser leaves copies.
  const left = await scanMemory(supervisor, { variable, ofJson })
  expect(left.map(({ needle }) => needle)).toContain('ofJson')
  expect(left).toContainEqual({ pid: supervisor, needle: 'variable', region: '[stack]' })
}, 120_000)
