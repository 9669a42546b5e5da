import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'

const entrypoint = new URL('../fixtures/fetcher/secretive.ts', import.meta.url)
const value = 'k3y with "quotes" / and+more'
let folder: string
let server: Server
let host: string
let seen: { readonly url: string; readonly headers: Record<string, unknown>; readonly body: string }[]
let supervisor: Supervisor
let lines: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-secrets-'))
  seen = []
  lines = []
  server = createServer(async (request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers, body: await text(request) })
    response.setHeader('x-seen', `it was ${value}`)
    const bytes = Buffer.from(value)
    const forms = {
      value,
      url: encodeURIComponent(value),
      hex: bytes.toString('hex'),
      base64: bytes.toString('base64'),
    }
    response.end(JSON.stringify({ ...forms, basic: Buffer.from(`me:${value}`).toString('base64') }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  writeFileSync(join(folder, 'file-key'), `${value}\r\n`)
  supervisor = await Supervisor.start({
    dataDir: join(folder, 'data'),
    env: { API_KEY: value },
    logger: (line) => lines.push(JSON.stringify(line)),
  })
})
afterEach(async () => {
  await supervisor.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const ask = async (payload: unknown, spec: Partial<SpawnSpec> = {}): Promise<unknown> => {
  const secrets = { api: '$' + '{API_KEY}', ofFile: { file: join(folder, 'file-key') } }
  const agent = await supervisor.spawn({ name: 'a', entrypoint, network: { allow: [host] }, secrets, ...spec })
  return await agent.run(payload)
}

/** Everything that is written down: journal, blobs, bundles, and the log. */
const written = (): string =>
  readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n') + lines.join('\n')

test('a secret is sent in URL, header and body, comes back as its name, and is written down nowhere', async () => {
  const answer = await ask({
    url: `http://${host}/find?key={api}`,
    init: { headers: { authorization: 'Bearer {ofFile}', 'x-two': '{api}, {api}' }, body: 'a {api} and {ofFile}.' },
  })
  expect(seen).toMatchObject([
    {
      url: `/find?key=${encodeURIComponent(value)}`,
      headers: { authorization: `Bearer ${value}`, 'x-two': `${value}, ${value}` },
      body: `a ${value} and ${value}.`,
    },
  ])
  expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('vigil-swap')
  expect(answer).toMatchObject({ status: 200, header: 'it was [secret api]' })
  const { text: body } = answer as { text: string }
  expect(JSON.parse(body)).toMatchObject({ value: '[secret api]', url: '[secret api]', hex: '[secret api]' })
  await supervisor.stop()
  const all = written()
  const bytes = Buffer.from(value)
  const needles = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), bytes.toString('hex')]
  for (const needle of [
    ...needles,
    bytes.toString('base64').slice(4, -4),
    Buffer.from(`me:${value}`).toString('base64').slice(8, -8),
  ])
    expect(all.includes(needle), needle).toBe(false)
  expect(all.match(/"type":"secret.used"/g)).toHaveLength(2)
  // The intent is on the disk before anything is sent, and names them, too: a crash loses no use.
  expect(all.includes('"secrets":["api","ofFile"]'), 'an intent that names its secrets').toBe(true)
  expect(all).toContain(`"name":"api","host":"${host}"`)
})

test('keep-alive connections do not mix up what belongs to whom', async () => {
  await ask({ url: `http://${host}/`, init: { headers: { a: '{api}' } } })
  await ask({ url: `http://${host}/`, init: { headers: { a: 'plain' }, body: 'plain' } })
  await ask({ url: `http://${host}/`, init: { body: '{ofFile}' } })
  expect(seen.map(({ headers, body }) => [headers.a, body])).toEqual([
    [value, ''],
    ['plain', 'plain'],
    [undefined, value],
  ])
})

test.each([
  [
    'a secret that the manifest does not have',
    '{other}',
    'add to the manifest: secrets: { other: "$' + '{NAME_OF_A_VARIABLE}" }',
  ],
  ['a host that is not one of its hosts', '{bound}', 'add to the manifest: secrets: { bound: { hosts: ["127.0.0.1:'],
  ['a placeholder of another turn', `vigil-secret.bound.${'0'.repeat(32)}`, 'comes from another turn'],
])('SECRET_DENIED, before anything is sent: %s', async (_name, header, message) => {
  const secrets = { bound: { value: '$' + '{API_KEY}', hosts: ['api.example.com'] } }
  expect(await ask({ url: `http://${host}/`, init: { headers: { a: header } } }, { secrets })).toMatchObject({
    code: 'SECRET_DENIED',
    message: expect.stringContaining(message),
  })
  expect(seen).toEqual([])
})

test('nobody can guess what stands for a secret from what the sender of an event knows', async () => {
  await ask({ url: `http://${host}/` })
  await ask({ url: `http://${host}/` })
  const shown = new Set(lines.join('\n').match(/vigil-secret\.api\.[0-9a-f]{32}/g))
  expect(shown.size).toBe(2)
  const salts = [...written().matchAll(/"salt":"([0-9a-f]{32})"/g)].map(([, salt]) => salt)
  expect(new Set(salts).size).toBe(2)
})

test('a secret with a line break goes into no header', async () => {
  writeFileSync(join(folder, 'file-key'), 'one\r\nx-evil: 1')
  expect(await ask({ url: `http://${host}/`, init: { headers: { a: '{ofFile}' } } })).toMatchObject({
    code: 'SECRET_DENIED',
  })
  expect(await ask({ url: `http://${host}/`, init: { body: '{ofFile}' } })).toMatchObject({ status: 200 })
  expect(seen.map(({ body }) => body)).toEqual(['one\r\nx-evil: 1'])
})

test('a file that has no name any more is read by its descriptor', async () => {
  const fd = openSync(join(folder, 'file-key'), 'r')
  rmSync(join(folder, 'file-key'))
  const secrets = { handed: { file: `/dev/fd/${fd}` } }
  try {
    for (let round = 0; round < 2; round += 1)
      expect(await ask({ url: `http://${host}/`, init: { body: '{handed}' } }, { secrets })).toMatchObject({
        status: 200,
      })
  } finally {
    closeSync(fd)
  }
  expect(seen.map(({ body }) => body)).toEqual([value, value])
})

test('a file that changes is read again, and one that is not there is SECRET_MISSING', async () => {
  await ask({ url: `http://${host}/`, init: { body: '{ofFile}' } })
  writeFileSync(join(folder, 'file-key'), 'another secret')
  await ask({ url: `http://${host}/`, init: { body: '{ofFile}' } })
  expect(seen.map(({ body }) => body)).toEqual([value, 'another secret'])
  rmSync(join(folder, 'file-key'))
  expect(await ask({ url: `http://${host}/`, init: { body: '{ofFile}' } })).toMatchObject({ code: 'SECRET_MISSING' })
})

test('what people set is sent instead; without a key it is gone with Vigil, and the process waits for it', async () => {
  const fetch = { url: `http://${host}/`, init: { headers: { a: '{api}', b: '{own}' } } }
  expect(await ask(fetch)).toMatchObject({ code: 'SECRET_DENIED' })
  await supervisor.get('a').setSecret('api', Buffer.from('set by people'))
  await supervisor.get('a').setSecret('own', Buffer.from('named by nobody'))
  expect(await supervisor.get('a').run(fetch)).toMatchObject({ status: 200 })
  expect(seen[0]?.headers).toMatchObject({ a: 'set by people', b: 'named by nobody' })
  expect(await supervisor.get('a').secrets()).toMatchObject([
    { name: 'api', source: 'set', kept: 'memory', lastUse: { host } },
    { name: 'ofFile', source: 'file' },
    { name: 'own', version: 1 },
  ])
  await supervisor.stop()
  supervisor = await Supervisor.start({ dataDir: join(folder, 'data'), env: { API_KEY: value } })
  const agent = supervisor.get('a')
  const turn = agent.run(fetch)
  await until('the process to wait', () => agent.state === 'awaiting')
  expect(agent.status().attention).toMatchObject([
    { what: expect.stringContaining('runs nothing: the secret api of a') },
  ])
  await agent.setSecret('api', Buffer.from('set anew'))
  await agent.setSecret('own', Buffer.from('this one, too'))
  expect([await turn, agent.status().attention]).toMatchObject([{ status: 200 }, []])
  expect(seen.at(-1)?.headers).toMatchObject({ a: 'set anew', b: 'this one, too' })
  expect(written()).not.toMatch(/set by people|named by nobody|set anew|this one, too/)
})

test('revoked, a secret of the environment is sent no more', async () => {
  const fetch = { url: `http://${host}/`, init: { headers: { a: '{api}' } } }
  await ask(fetch)
  expect(await supervisor.get('a').revokeSecrets('api')).toEqual([
    { name: 'api', source: 'variable', where: 'API_KEY' },
  ])
  expect(await supervisor.get('a').run(fetch)).toMatchObject({ code: 'SECRET_DENIED' })
  expect(seen).toHaveLength(1)
})
