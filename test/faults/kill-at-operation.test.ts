import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EffectsLedger, ledgerViolations, startEffectsLedger } from '../support/effects-ledger/ledger.ts'

/**
 * A real program, killed at its kth file operation for every k (every tenth in a test run), also while it recovers from
 * such a death: when it is let to its end, each event has ended once.
 */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const shim = fileURLToPath(new URL('../support/kill-at-operation.ts', import.meta.url))
const program = fileURLToPath(new URL('../fixtures/kill-at-operation/program.ts', import.meta.url))
const namesOf = (data: string): string[] => ['one', 'two', 'three'].map((name) => `${basename(data)}-${name}`)

let ledger: EffectsLedger
let folder: string
beforeEach(async () => {
  ledger = await startEffectsLedger()
  folder = mkdtempSync(join(tmpdir(), 'vigil-kill-at-'))
})
afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly signal: NodeJS.Signals | null | undefined
  readonly stdout: string
  readonly stderr: string
}

function run(data: string, at: number, when: 'before' | 'after'): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '', VIGIL_KILL_AT: `${at}`, VIGIL_KILL_WHEN: when }
  const args = ['--disable-warning=ExperimentalWarning', '--import', shim, program, data, ledger.host, ...namesOf(data)]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal, stdout, stderr })
    })
  })
}

async function expectWhole(data: string, { stdout, stderr }: Ended, what: string): Promise<void> {
  const names = namesOf(data)
  const line = stdout.split('\n').find((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`${what}: expected a result, found ${stdout}${stderr}`)
  expect(JSON.parse(line), what).toEqual({ told: names, count: names.length })
  const entries = (await ledger.entries()).filter(({ body }) => names.includes(body.event))
  expect(ledgerViolations(entries, names), what).toEqual([])
}

test('killed at any file operation, and again while it recovers, a program loses nothing and repeats nothing', {
  timeout: 1_800_000,
}, async () => {
  const step = torture ? 1 : 10
  let tried = 0
  for (let k = torture ? 1 : 1 + (seed % 10); ; k += step, tried += 1) {
    const when = k % 2 === 0 ? 'before' : 'after'
    const data = join(folder, `${k}`)
    const first = await run(data, k, when)
    // A run that came to its end had fewer operations: all have been tried.
    if (first.signal !== 'SIGKILL') {
      await expectWhole(data, first, `not killed at ${k}`)
      break
    }
    // The second death comes in the middle of recovery, early for some and late for others.
    await run(data, 1 + ((k * 7) % 40), when)
    await expectWhole(data, await run(data, 0, 'before'), `killed ${when} operation ${k}`)
    rmSync(data, { recursive: true, force: true })
  }
  expect(tried, 'operations that were tried').toBeGreaterThan(torture ? 60 : 6)
})
