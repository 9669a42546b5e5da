import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { familyOf } from '../support/memory-scan.ts'
import { until } from '../support/until.ts'

/** Secrets of every kind, said by an agent in five forms wherever an agent can say anything. */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const count = torture ? 1_000 : 12
const seed = Number(process.env['VIGIL_SEED'] ?? 20261127)

const random = seededRandom(seed)
const between = (from: number, to: number): number => from + Math.floor(random.next() * (to - from))
const alphabets = ['abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789', ' "\'\\/%+#&=<>{}[]:,\t$`~', 'äöüßéłжक字🙂']

/** No line break at the end: a file has one there that is none of the secret. */
function someSecret(k: number): Buffer {
  const length = between(8, 200)
  if (k % 4 === 3) return Buffer.concat([random.bytes(length - 1), Buffer.from('.')])
  const letters = [...(alphabets[k % 4] ?? ''), ...(alphabets[0] ?? '')]
  let text = ''
  while (Buffer.byteLength(text) < length) text += letters[between(0, letters.length)]
  return Buffer.from(text)
}
const secrets = Array.from({ length: count }, (_, k) => someSecret(k))
const agentOf = (k: number): string => `leaky-${Math.floor(k / 100)}`
const agents = [...new Set(secrets.map((_, k) => agentOf(k)))]
/** They crash often, and none is given up for it. */
const patience = [
  'max_consecutive_failures: 100000',
  'max_restarts: 100000',
  'max_restarts_without_progress: 100000',
  'restart_backoff: 10ms',
]

let folder: string
let server: Server
let daemon: Daemon
let seen: Buffer[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-secret-fuzz-'))
  seen = []
  server = createServer(async (request, response) => {
    const body = await buffer(request)
    seen.push(body)
    const text = body.toString('latin1')
    response.end(
      JSON.stringify({ text, hex: body.toString('hex'), base64: body.toString('base64'), form: encodeURI(text) }),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  mkdirSync(join(folder, 'keys'))
  for (const [k, secret] of secrets.entries()) writeFileSync(join(folder, 'keys', `s${k}`), secret)
  for (const agent of agents) {
    const own = secrets.flatMap((_, k) => (agentOf(k) === agent ? [`  s${k}: { file: ./keys/s${k} }`] : []))
    const entrypoint = fileURLToPath(new URL('../fixtures/leaky/leaky.ts', import.meta.url))
    const head = `name: ${agent}\nentrypoint: ${entrypoint}\nisolation: process\nnetwork: { allow: ["${host}"] }`
    writeFileSync(join(folder, `${agent}.agent`), [head, ...patience, 'secrets:', ...own, ''].join('\n'))
  }
  const args = [folder, '--json', '--log-level', 'debug']
  daemon = await startDaemon(join(folder, 'data'), args, {}, { waitFor: 'listening' })
})
afterEach(async () => {
  daemon.child.kill('SIGKILL')
  await daemon.exited
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** As they would stand in JSON, in JSON inside of JSON, and in files. */
function needlesOf(secret: Buffer): Buffer[] {
  const text = secret.toString('latin1')
  const json = JSON.stringify(text).slice(1, -1)
  const base64 = secret.toString('base64')
  const texts = [text, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(text), secret.toString('hex')]
  return [secret, ...[...texts, base64.slice(0, Math.floor((secret.length * 8) / 6))].map((each) => Buffer.from(each))]
}

/** What stands before a needle, to know where it came from. */
function around(all: Buffer, needle: Buffer): string | undefined {
  const at = all.indexOf(needle)
  return at === -1 ? undefined : all.toString('latin1', Math.max(0, at - 300), at)
}

const endOf = (k: number): string => (k % 10 === 4 ? 'crash' : k % 3 === 1 ? 'throw' : 'result')

const post = async (k: number): Promise<void> => {
  const hidden = [...(secrets[k] as Buffer).toString('base64')].reverse().join('')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const payload = { name: `s${k}`, hidden, url, end: endOf(k) }
  const { status } = await daemon.call('POST', `/processes/${agentOf(k)}/events`, payload)
  expect(status).toBe(202)
}

const ended = async (): Promise<number> => {
  let count = 0
  for (const agent of agents) {
    const { body } = await daemon.call('GET', `/processes/${agent}`)
    const { counters = {} } = body as { counters?: Record<string, number> }
    count += (counters['completed'] ?? 0) + (counters['dead_lettered'] ?? 0)
  }
  return count
}

/** What people can be shown. */
async function shown(): Promise<string> {
  const pages: unknown[] = []
  const get = async (path: string): Promise<Record<string, unknown>> => {
    const { body } = await daemon.call('GET', path)
    pages.push(body)
    return body
  }
  for (const path of ['/processes', '/tree', '/runtime/status', '/doubts', '/requests', '/spend']) await get(path)
  for (const agent of agents) {
    for (const path of ['', '/turns?limit=1000', '/dead-letters', '/context', '/state/forms/history', '/secrets'])
      await get(`/processes/${agent}${path}`)
    for (let before = ''; ; ) {
      const { next } = await get(`/processes/${agent}/journal?limit=1000${before}`)
      if (next === undefined || next === null) break
      before = `&before=${next}`
    }
  }
  return pages.map((page) => JSON.stringify(page)).join('\n')
}

/** How the supervisor and its cells were started. */
const started = (): string =>
  familyOf(daemon.child.pid ?? 0)
    .map((pid) => `${readFileSync(`/proc/${pid}/cmdline`)}${readFileSync(`/proc/${pid}/environ`)}`)
    .join('\n')

test(
  'secrets that an agent says in five forms are in no record, body, log, page, environment or argument',
  async () => {
    for (let k = 0; k < count; k += 1) await post(k)
    await until('all turns to end', async () => (await ended()) >= count, 10_000 + count * 600)
    const pages = await shown()
    const processes = started()
    daemon.child.kill('SIGTERM')
    await daemon.exited
    const files = readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    const written = Buffer.concat(files)
    const all = Buffer.concat([written, ...[pages, processes, daemon.output()].map((text) => Buffer.from(text))])
    // It was sent, and it was said: what is not found was there to be found.
    const sent = new Set(seen.map((body) => body.toString('hex')))
    for (const [k, secret] of secrets.entries()) {
      expect(sent.has(secret.toString('hex')), `s${k} arrived`).toBe(true)
      expect(written.includes(`[secret s${k}]`), `s${k} on record`).toBe(true)
      for (const [form, needle] of needlesOf(secret).entries())
        expect(around(all, needle), `seed ${seed}: s${k} in form ${form}`).toBeUndefined()
    }
    for (const text of [pages, daemon.output()]) expect(text).toContain('[secret s1]')
    expect(all.includes('SECRET_DENIED')).toBe(true)
  },
  60_000 + count * 1_000,
)
