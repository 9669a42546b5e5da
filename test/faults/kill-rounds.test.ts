import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from '@vigil/protocol'
import { seededRandom } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, launch, startDaemon } from '../support/daemon.ts'
import { type EffectsLedger, startEffectsLedger } from '../support/effects-ledger/ledger.ts'
import { type Employment, employ } from '../support/kill-rounds/employment.ts'
import { roundViolations } from '../support/kill-rounds/violations.ts'
import { until } from '../support/until.ts'

/**
 * The promise of the first page: SIGKILL to the supervisor, to a cell, or to both, at any moment, while requests, signed
 * webhooks, files, slots, messages and people come in, costs nothing. VIGIL_SEED repeats the choices of a run.
 */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const rounds = Number(process.env['VIGIL_ROUNDS'] ?? (torture ? 1_000 : 10))
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const fleet = fileURLToPath(new URL('../fixtures/fault-fleet', import.meta.url))
const smallJournal = new URL('../support/small-journal.ts', import.meta.url).href
const agents = ['desk', 'teller', 'clerk', 'ticker', 'watcher']
const secret = 'a secret of both sides'
const mostBehind = 60

let folder: string
let ledger: EffectsLedger
let daemon: Daemon | undefined
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-kill-'))
  ledger = await startEffectsLedger()
})
afterEach(async () => {
  daemon?.child.kill('SIGKILL')
  await daemon?.exited
  await ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

const home = (): string => join(folder, 'fleet')
const data = (): string => join(folder, 'data')
const env = (): Record<string, string> => ({
  LEDGER: ledger.host,
  HOOK_SECRET: secret,
  NODE_OPTIONS: `--import ${smallJournal}`,
  NODE_COMPILE_CACHE: join(tmpdir(), 'vigil-kill-compiled'),
})

/** The next life, and what it says about the one before. */
async function revive(): Promise<Daemon> {
  const next = await startDaemon(data(), [home()], env(), { waitFor: 'listening', patienceMs: 240_000 })
  expect(next.output()).toMatch(/0 accepted events lost, 0 recorded effects repeated|First start/)
  return next
}

async function killCell(target: Daemon, pick: number): Promise<void> {
  const { body } = await target.call('GET', '/processes')
  const pids = (body['processes'] as { pid?: number }[]).flatMap((each) => (each.pid === undefined ? [] : [each.pid]))
  const pid = pids[Math.floor(pick * pids.length)]
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself between the question and the shot.
  }
}

/** Comes when so many more effects were made; in one of four rounds before that, wherever the life is by then. */
async function momentOf(random: Random): Promise<void> {
  const effects = (await ledger.entries()).length + 1 + Math.floor(random.next() * 12)
  const patience = random.next() < 0.25 ? random.next() * 1_500 : 20_000
  const latest = performance.now() + patience
  const isNow = async (): Promise<boolean> => performance.now() > latest || (await ledger.entries()).length >= effects
  await until('a moment', isNow, 60_000)
}

async function killRound(random: Random): Promise<void> {
  await momentOf(random)
  const target = (['supervisor', 'supervisor', 'cell', 'both'] as const)[Math.floor(random.next() * 4)]
  const living = daemon as Daemon
  if (target === 'cell' || target === 'both') await killCell(living, random.next())
  if (target === 'cell') return
  living.child.kill('SIGKILL')
  await living.exited
  daemon = undefined
  // Some die again before they are ready: in the middle of their recovery.
  while (random.next() < 0.2) {
    const reviving = launch('supervisor', [home(), '--data', data(), '--port', '0'], { env: env() })
    const dies = performance.now() + random.next() * 1_000
    await until('a moment of recovery', () => performance.now() > dies, 60_000)
    reviving.child.kill('SIGKILL')
    await reviving.exited
  }
  daemon = await revive()
}

/** How much waits in the mailboxes, but for the slots, of which there is always one more. */
async function backlog(): Promise<number> {
  const { body } = await (daemon as Daemon).call('GET', '/processes')
  const each = body['processes'] as {
    name: string
    mailbox: { waiting: number; open: number; dead_letters: number }
  }[]
  return each.reduce(
    (sum, { name, mailbox }) =>
      sum +
      (name === 'ticker' ? Math.max(0, mailbox.waiting - 1) : mailbox.waiting + mailbox.open + mailbox.dead_letters),
    0,
  )
}

test(`fault 4: ${rounds} rounds of kill -9 lose nothing and repeat nothing (seed ${seed})`, {
  timeout: 14_400_000,
}, async () => {
  const random = seededRandom(seed)
  cpSync(fleet, home(), { recursive: true })
  mkdirSync(join(home(), 'inbox'))
  daemon = await revive()
  const employment: Employment = employ({
    inbox: join(home(), 'inbox'),
    secret,
    random: seededRandom(seed + 1),
    ledger,
    daemon: () => daemon,
  })
  try {
    for (let round = 1; round <= rounds; round += 1) {
      employment.allow((await backlog()) > mostBehind ? 0 : 8)
      await killRound(random)
      if (torture && round % 50 === 0)
        process.stdout.write(`round ${round}: ${(await ledger.entries()).length} effects\n`)
    }
    await employment.finish()
    await until('everything to come to its end', async () => (await backlog()) === 0, 300_000)
  } finally {
    await employment.end()
  }
  const { body } = await daemon.call('GET', '/processes')
  expect((body['processes'] as { state: string }[]).map(({ state }) => state)).toEqual(agents.map(() => 'running'))
  daemon.child.kill('SIGTERM')
  expect(await daemon.exited).toEqual({ code: 0, signal: null })
  expect(await roundViolations(data(), employment, await ledger.entries())).toEqual([])
})
