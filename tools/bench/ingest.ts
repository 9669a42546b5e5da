import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Listener, type RuntimeSurface, serveHooks } from '@vigil/api'
import { Supervisor, webhook } from '@vigil/supervisor'
import { type Row, row } from './statistics.ts'

const rounds = 5
const connections = 64
const roundMs = 2_000
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

/** Signed webhooks that were accepted durably, per second, beside the same server without anything behind it. */
export async function ingest(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const s = await Supervisor.start({ dataDir: folder, env: { SECRET: secret } })
  const agent = await s.spawn({
    name: 'inbox',
    entrypoint: new URL('./agents/clock-in.ts', import.meta.url),
    triggers: [webhook('/in', { scheme: 'generic', secret: '${SECRET}' })],
    mailbox: { max: 10_000_000 },
  })
  await agent.suspend()
  const durable = await serveHooks(s, { port: 0, token: undefined })
  const bare = await serveHooks(forgetful as unknown as RuntimeSurface, { port: 0, token: undefined })
  const values: number[] = []
  const beside: number[] = []
  for (let round = -1; round < rounds; round += 1) {
    const one = await perSecond(durable, `${round}`)
    const other = await perSecond(bare, `${round}`)
    if (round < 0) continue
    values.push(one)
    beside.push(other)
  }
  await durable.close()
  await bare.close()
  await s.stop()
  rmSync(folder, { recursive: true, force: true })
  return [
    row(
      'signed webhooks over HTTP, 64 connections',
      '/s',
      values,
      { name: 'the server alone', values: beside },
      '>= 0.60',
    ),
  ]
}
