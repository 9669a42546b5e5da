import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Listener, type RuntimeSurface, serveHooks } from '@vigil/api'
import { type StartOptions, Supervisor, webhook } from '@vigil/supervisor'
import { nullStore } from './null-store.ts'
import { type Row, row } from './statistics.ts'

const rounds = 3
const connections = 64
const roundMs = 1_500
const secret = 'the secret of the bench'
const sender = fileURLToPath(new URL('./programs/ingest-sender.ts', import.meta.url))

/** Answers per second of one round. */
async function perSecond({ port }: Listener, run: string): Promise<number> {
  const args = ['--disable-warning=ExperimentalWarning', sender, `${port}`, secret, `${connections}`, `${roundMs}`, run]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return Number(stdout) / (roundMs / 1_000)
}

/** The same listener, which reads the body and answers; it verifies, decides and remembers nothing. */
const forgetful = {
  async deliverHook({ body }) {
    await body()
    return { accepted: true, eventId: '00000000-0000-4000-8000-000000000000', duplicate: false }
  },
} satisfies Pick<RuntimeSurface, 'deliverHook'>

/** An agent that takes webhooks and does nothing with them. */
async function inbox(options: StartOptions) {
  const s = await Supervisor.start({ env: { SECRET: secret }, ...options })
  const agent = await s.spawn({
    name: 'inbox',
    entrypoint: new URL('./agents/clock-in.ts', import.meta.url),
    triggers: [webhook('/in', { scheme: 'generic', secret: '${SECRET}' })],
    mailbox: { max: 10_000_000 },
  })
  await agent.suspend()
  const listener = await serveHooks(s, { port: 0, token: undefined })
  return {
    listener,
    async close(): Promise<void> {
      await listener.close()
      await s.stop()
    },
  }
}

/** Signed webhooks that were accepted durably, per second, beside the same without a journal and beside the server alone. */
export async function ingest(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const durable = await inbox({ dataDir: join(folder, 'durable') })
  const unkept = await inbox({ dataDir: join(folder, 'unkept'), ports: { journal: nullStore() } })
  const alone = await serveHooks(forgetful as unknown as RuntimeSurface, { port: 0, token: undefined })
  const values: number[] = []
  const without: number[] = []
  const server: number[] = []
  for (let round = -1; round < rounds; round += 1) {
    const measured = [
      await perSecond(durable.listener, `${round}`),
      await perSecond(unkept.listener, `${round}`),
      await perSecond(alone, `${round}`),
    ] as const
    if (round < 0) continue
    values.push(measured[0])
    without.push(measured[1])
    server.push(measured[2])
  }
  await durable.close()
  await unkept.close()
  await alone.close()
  rmSync(folder, { recursive: true, force: true })
  const name = 'signed webhooks over HTTP, 64 connections'
  return [
    row(name, '/s', values, { name: 'without a journal', values: without }),
    row(name, '/s', values, { name: 'the server alone, which answers 202', values: server }, '>= 0.60'),
  ]
}
