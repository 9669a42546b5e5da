import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExitCause, HttpClient, JournalRecord } from '@vigil/protocol'
import { type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isLive } from '../../../packages/supervisor/src/vault/secret-page.ts'
import { isZeroed } from '../../support/secret-ring.ts'
import { until } from '../../support/until.ts'

const value = 'hunter2-hunter2-hunter2'
const entrypoint = new URL('../../fixtures/fetcher/doomed.ts', import.meta.url)
const network = { allow: ['api.example.com'] }
const secrets = { api: '$' + '{API_KEY}' }
const url = 'https://api.example.com/'

let folder: string
let supervisor: Supervisor
/** By process: the pages that its lives were given, and how many were live then. */
let pages: Map<string, SharedArrayBuffer[]>
let records: JournalRecord[]
let lines: string[]

/** Remembers what the gateway would have been given, and answers what it would have made of an echo. */
const remembering: HttpClient = {
  async send({ url: to, secrets: sent = [] }) {
    for (const { page } of sent) {
      expect(isLive(page)).toBe(true)
      pages.getOrInsertComputed(new URL(to).pathname.slice(1), () => []).push(page)
    }
    return { status: 200, statusText: 'OK', headers: {}, body: Buffer.from('Bearer [secret api]') }
  },
  close: async () => undefined,
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-doomed-'))
  ;[pages, records, lines] = [new Map(), [], []]
  supervisor = await Supervisor.start({
    dataDir: folder,
    env: { API_KEY: value },
    ports: { http: remembering },
    logger: (line) => lines.push(JSON.stringify(line)),
  })
  supervisor.on('record', (record) => records.push(record))
})
afterEach(async () => {
  await supervisor.stop()
  await rm(folder, { recursive: true })
})

const begin = async (end: string, spec: Partial<SpawnSpec> = {}): Promise<void> => {
  const once = { restartPolicy: 'never', delivery: { maxRetries: 0 }, maxConsecutiveFailures: 1 } as const
  const quick = { shutdownTimeout: '100ms' } as const
  const agent = await supervisor.spawn({ name: end, entrypoint, network, secrets, ...once, ...quick, ...spec })
  await agent.enqueue({ end, url: url + end })
}
const exitOf = (name: string): ExitCause | undefined =>
  records.flatMap((record) =>
    record.type === 'incarnation.exited' && record.process === name ? [record.data.cause] : [],
  )[0]

test('sab_zeroed_on_revoke_and_on_every_exit_cause, as far as cells can be made to end so', async () => {
  for (const kind of ['error', 'exit_code', 'memory', 'heartbeat_lost', 'failures'])
    await begin(kind, { memoryMb: 64, heartbeatTimeout: '2s' })
  for (const kind of ['error', 'exit_code', 'memory', 'heartbeat_lost', 'failures']) {
    expect(await until(`the end by ${kind}`, () => exitOf(kind))).toMatchObject({ kind })
    expect(pages.get(kind)?.map(isZeroed), kind).toEqual([true])
  }
  await Promise.all(
    ['alive', 'signal', 'shutdown', 'revoke'].map((name) => begin('alive', { name, isolation: 'process' })),
  )
  await until('all of them to have sent', () => (pages.get('alive')?.length ?? 0) === 4)
  expect(pages.get('alive')?.map(isLive)).toEqual([true, true, true, true])
  process.kill(supervisor.get('signal').status().pid ?? 0, 'SIGKILL')
  await until('the end of signal', () => exitOf('signal'))
  await supervisor.get('shutdown').stop()
  await supervisor.get('revoke').revokeSecrets('api')
  expect([exitOf('signal')?.kind, exitOf('shutdown')?.kind]).toEqual(['signal', 'shutdown'])
  expect(pages.get('alive')?.filter(isZeroed)).toHaveLength(3)
  await supervisor.stop()
  expect([...pages.values()].flat().every(isZeroed)).toBe(true)
})

test('secret_absent_from_env_argv_logs_crash_record', async () => {
  await begin('error')
  const cause = await until('its end', () => exitOf('error'))
  expect(JSON.stringify(cause)).toContain('all that I know: Bearer [secret api]')
  await begin('alive')
  await until('it to have sent', () => pages.has('alive'))
  const { pid } = supervisor.get('alive').status()
  const seen = ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join('')
  expect(seen).not.toContain(value)
  await supervisor.stop()
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n')
  expect(written).toContain('"incarnation.exited"')
  for (const text of [written, lines.join('\n'), JSON.stringify(records)]) expect(text).not.toContain(value)
})
