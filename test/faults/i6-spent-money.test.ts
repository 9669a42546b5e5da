import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JournalRecord } from '@vigil/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EffectsLedger, startEffectsLedger } from '../support/effects-ledger/ledger.ts'
import { killEverywhere, live, type Victim } from '../support/kill-everywhere.ts'
import { readBack } from '../support/read-back.ts'

const torture = process.env['VIGIL_TORTURE'] !== undefined
const program = fileURLToPath(new URL('../fixtures/kill-at-operation/spending.ts', import.meta.url))
/** Millionths of a dollar a call, and what a turn has. */
const price = 50_000
const ofTurn = 4 * price

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

/** What was paid outside for the events of one victim: a `look` each time that it came, the others each key once. */
async function billed(events: ReadonlySet<string>): Promise<number> {
  const entries = await billing.entries()
  const own = entries.filter(({ body }) => events.has(body.event.split('/')[0] ?? ''))
  const isLook = ({ body }: (typeof own)[number]): boolean => body.event.endsWith('/look')
  const keys = new Set(own.filter((entry) => !isLook(entry)).map(({ key }) => key))
  return (keys.size + own.filter(isLook).length) * price
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
      const unknown = log.filter(isCharged).length
      if (bills + unknown * price < paid)
        broken.push(`${paid} are spent, ${bills} were paid, and nobody knows what came of ${unknown} runs`)
      return broken
    },
    bury: () => rmSync(data, { recursive: true, force: true }),
  }
}

/** With the worst, for a run that may have happened: it is in doubt, was made again, or there was no room to make it again. */
function isCharged({ type, data }: JournalRecord): boolean {
  if (type === 'effect.repeated') return true
  if (type !== 'effect.completed' || data.outcome.ok || data.spent === undefined) return false
  return ['EFFECT_IN_DOUBT', 'BUDGET_EXCEEDED'].includes(data.outcome.error.code)
}

test('I6: budgets never under-count spent money, killed at any file operation and again in the recovery', {
  timeout: 3_600_000,
}, async () => {
  const tried = await killEverywhere(spender, 130, 60)
  expect(tried, 'operations that were tried').toBeGreaterThan(torture ? 100 : 0)
})
