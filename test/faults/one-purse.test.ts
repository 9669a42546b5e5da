import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { type EffectsLedger, startEffectsLedger } from '../support/effects-ledger/ledger.ts'
import { readBack } from '../support/read-back.ts'
import { until } from '../support/until.ts'

/** Agents in real cells race for one purse while the supervisor is killed; a server outside counts what it is paid. */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const agents = torture ? 64 : 6
const kills = Number(process.env['VIGIL_ROUNDS'] ?? (torture ? 4 : 1))
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
/** Millionths of a dollar. */
const price = 50_000
const callsOfEach = torture ? 6 : 12
/** Two thirds of what they would spend. */
const limit = (agents * callsOfEach * price * 2) / 3

let folder: string
let billing: EffectsLedger
let daemon: Daemon | undefined
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-purse-'))
  billing = await startEffectsLedger()
})
afterEach(async () => {
  daemon?.child.kill('SIGKILL')
  await daemon?.exited
  await billing.close()
  rmSync(folder, { recursive: true, force: true })
})

const home = (): string => join(folder, 'fleet')
const data = (): string => join(folder, 'data')
const names = Array.from({ length: agents }, (_, nth) => `spender-${nth + 1}`)

function furnish(): void {
  mkdirSync(home())
  const spender = fileURLToPath(new URL('../fixtures/one-purse/spender.ts', import.meta.url))
  cpSync(spender, join(home(), 'spender.ts'))
  // Of a month: a test that runs over midnight has no new day.
  writeFileSync(join(home(), 'vigil.yaml'), `budget: { max_monthly_cost: ${limit / 1_000_000} }\n`)
  for (const name of names)
    writeFileSync(
      join(home(), `${name}.agent`),
      [
        `name: ${name}`,
        'entrypoint: ./spender.ts',
        'isolation: thread',
        'triggers: []',
        'budget: unlimited',
        'concurrency: 3',
        'max_restarts: 100000',
        'max_restarts_without_progress: 100000',
        'restart_backoff: 20ms',
        'context: { env: [LEDGER] }',
        'network: { allow: ["${LEDGER}"] }',
        '',
      ].join('\n'),
    )
}

const revive = (): Promise<Daemon> =>
  startDaemon(
    data(),
    [home()],
    { LEDGER: billing.host, NODE_COMPILE_CACHE: join(tmpdir(), 'vigil-kill-compiled') },
    { waitFor: 'listening', patienceMs: 240_000 },
  )

const spentOf = async ({ call }: Daemon): Promise<number> => {
  const { fleet } = (await call('GET', '/spend')).body as { fleet: { month: { usd?: number } } }
  return Math.round((fleet.month.usd ?? 0) * 1_000_000)
}

/** The purse is empty, and nobody is at the till. Events wait, of which no turn begins any more. */
async function isOver(running: Daemon): Promise<boolean> {
  const { processes } = (await running.call('GET', '/processes')).body as { processes: { mailbox: { open: number } }[] }
  return processes.every(({ mailbox }) => mailbox.open === 0) && (await spentOf(running)) >= limit
}

test(`${agents} agents race for one purse while the supervisor is killed ${kills} times: never over, by the exact count of who is paid`, {
  timeout: 1_800_000,
}, async () => {
  const random = seededRandom(seed)
  furnish()
  daemon = await revive()
  for (const name of names)
    for (let nth = 0; nth < 3; nth += 1)
      expect((await daemon.call('POST', `/processes/${name}/events`, { calls: callsOfEach / 3 })).status).toBe(202)
  let inTheMiddle = 0
  for (let nth = 0; nth < kills; nth += 1) {
    const bills = (await billing.entries()).length + 1 + Math.floor((random.next() * limit) / price / kills)
    const running = daemon
    await until('a moment', async () => (await billing.entries()).length >= bills || isOver(running), 240_000)
    if (!(await isOver(running))) inTheMiddle += 1
    daemon.child.kill('SIGKILL')
    await daemon.exited
    daemon = await revive()
    if (torture) process.stdout.write(`kill ${nth + 1}: ${(await billing.entries()).length} bills\n`)
  }
  expect(inTheMiddle).toBeGreaterThan(kills / 3)
  const last = daemon
  await until('everybody to have spent', () => isOver(last), 240_000)
  const shown = await spentOf(last)
  daemon.child.kill('SIGTERM')
  await daemon.exited

  const entries = await billing.entries()
  // What may be sent again is paid once for each key.
  const keys = new Set(entries.map(({ key }) => key))
  const { folds, log, money, broken } = await readBack(data())
  expect(broken).toEqual([])
  const purse = folds.get('@fleet')?.purse
  expect(purse?.reserved).toEqual({})
  const spent = purse?.periods.month.spent.usd ?? 0
  expect(shown).toBe(spent)
  expect(money.paid).toBe(spent)
  const calls = spent / price
  const doubts = log.filter(
    (record) =>
      record.type === 'effect.completed' &&
      record.data.kind === 'tool' &&
      !record.data.outcome.ok &&
      record.data.outcome.error.code === 'EFFECT_IN_DOUBT',
  ).length
  // All of it was wanted, so nothing is left; what was paid and is in doubt may not have arrived.
  expect(spent).toBe(limit)
  expect(keys.size).toBeLessThanOrEqual(calls)
  expect(keys.size).toBeGreaterThanOrEqual(calls - doubts)
})
