import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EffectsLedger, startEffectsLedger } from '../support/effects-ledger/ledger.ts'
import { killEverywhere, live, type Victim } from '../support/kill-everywhere.ts'
import { readBack } from '../support/read-back.ts'

const torture = process.env['VIGIL_TORTURE'] !== undefined
const program = fileURLToPath(new URL('../fixtures/kill-at-operation/spending.ts', import.meta.url))
/** Millionths of a dollar a call, and what a turn has. */
const price = 50_000
const ofTurn = 2 * price

let billing: EffectsLedger
let folder: string
beforeEach(async () => {
  billing = await startEffectsLedger()
  folder = mkdtempSync(join(tmpdir(), 'vigil-i6-'))
})
afterEach(async () => {
  await billing.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What was paid outside for the events of one victim, each key once. */
async function billed(events: ReadonlySet<string>): Promise<number> {
  const entries = await billing.entries()
  const keys = entries.flatMap(({ key, body }) => (events.has(body.event.split('/')[0] ?? '') ? [key] : []))
  return new Set(keys).size * price
}

/** Whoever looks at a copy of the data at that moment. */
async function look(data: string) {
  const copy = `${data}-copy`
  cpSync(data, copy, { recursive: true })
  const { log, folds, money, broken } = await readBack(copy)
  rmSync(copy, { recursive: true })
  const events = new Set(
    log.flatMap((record) => (record.type === 'trigger.accepted' ? [record.data.event.event_id] : [])),
  )
  const reserved = folds.get('spender')?.purse.reserved.usd ?? 0
  return { log, broken, paid: money.paid, reserved, bills: await billed(events) }
}

function spender(title: string): Victim {
  const data = join(folder, title)
  const names = ['one'].map((name) => `${title}-${name}`)
  const accepted = new Set<string>()
  return {
    async live(at, when) {
      const rest = names.filter((name) => !accepted.has(name))
      const ended = await live(program, [data, billing.host, ...rest], at, when)
      for (const [, name] of ended.said.matchAll(/^accepted (.+)$/gm)) accepted.add(name as string)
      if (existsSync(join(data, 'journal'))) {
        const { bills, paid, reserved } = await look(data)
        expect(bills, `paid by then, killed ${when} ${at}`).toBeLessThanOrEqual(paid + reserved)
      }
      return ended
    },
    async violations() {
      const { log, broken, paid, reserved, bills } = await look(data)
      const ends = log.filter(({ type }) => type === 'turn.completed' || type === 'turn.dead_lettered')
      if (ends.length !== names.length) broken.push(`${ends.length} turns have ended, of ${names.length}`)
      if (reserved !== 0) broken.push(`${reserved} are reserved for nothing`)
      if (paid > ends.length * ofTurn) broken.push(`${paid} are spent, of ${ends.length * ofTurn}`)
      const doubts = log.filter((record) => record.type === 'effect.completed' && isDoubt(record.data.outcome)).length
      if (bills + doubts * price < paid)
        broken.push(`${paid} are spent, ${bills} were paid and ${doubts} calls are in doubt`)
      return broken
    },
    bury: () => rmSync(data, { recursive: true, force: true }),
  }
}

const isDoubt = (outcome: { readonly ok: boolean; readonly error?: { readonly code?: string } }): boolean =>
  outcome.error?.code === 'EFFECT_IN_DOUBT'

test('I6: budgets never under-count spent money, killed at any file operation and again in the recovery', {
  timeout: 3_600_000,
}, async () => {
  const tried = await killEverywhere(spender, 130, 60)
  expect(tried, 'operations that were tried').toBeGreaterThan(torture ? 100 : 0)
})
