import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPostgresStore } from '@vigil/cluster'
import { Supervisor } from '@vigil/supervisor'
import { systemClock } from '@vigil/supervisor/internal'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const program = fileURLToPath(new URL('../fixtures/ten-lines/on-postgres.ts', import.meta.url))

let server: PostgresServer
let cwd: string
beforeEach(async () => {
  server = await startPostgres()
  cwd = mkdtempSync(join(tmpdir(), 'vigil-on-postgres-'))
})
afterEach(async () => {
  await server.stop()
  rmSync(cwd, { recursive: true, force: true })
})

function run() {
  const child = spawn(process.execPath, ['--no-warnings', program, server.url()], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const exited = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { child, exited, answer: () => text.split('\n').find((line) => line.startsWith('{')), output: () => text }
}

test('a supervisor is killed, and the next one goes on from the journal in PostgreSQL', async () => {
  mkdirSync(join(cwd, 'gate'))
  const clock = systemClock()
  const first = run()
  await until('the agent to be at work', () => first.output().includes('working'))
  first.child.kill('SIGKILL')
  await first.exited
  writeFileSync(join(cwd, 'gate', 'open'), '')
  const second = run()
  expect(await second.exited).toBe(0)
  expect(JSON.parse(second.answer() ?? '')).toMatchObject({ answer: 42, turns: 1 })
  // The third begins from the checkpoint that the second left, and gives the recorded answer.
  const third = run()
  expect(await third.exited).toBe(0)
  expect(third.answer()).toBe(second.answer())
  const journal = await openPostgresStore({ clock, url: server.url() })
  const types = (await journal.tail(0, 1_000)).records.map(({ type }) => type)
  expect(types.filter((type) => type === 'runtime.started')).toHaveLength(3)
  expect(types.filter((type) => type === 'turn.completed')).toHaveLength(1)
  expect(await journal.loadCheckpoint()).toBeDefined()
  await journal.close()
  clock.close()
})

test('a supervisor whose log was taken acknowledges nothing more and says why', async () => {
  const clock = systemClock()
  const open = () => openPostgresStore({ clock, url: server.url() })
  const old = await Supervisor.start({ dataDir: join(cwd, 'data'), ports: { journal: await open() } })
  const fatal = new Promise<Error>((resolve) => old.on('fatal', resolve))
  await old.publish('before', 1)
  const young = await open()
  await expect(old.publish('after', 2)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await fatal).toMatchObject({ code: 'FENCED' })
  await old.stop().catch(() => undefined)
  const topics = (await young.tail(0, 100)).records.flatMap((each) =>
    each.type === 'bus.published' ? [each.data.topic] : [],
  )
  expect(topics).toEqual(['before'])
  await young.close()
  clock.close()
})
