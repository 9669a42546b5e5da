import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EffectsLedger, ledgerViolations, startEffectsLedger } from '../support/effects-ledger/ledger.ts'
import { copyExample } from '../support/example-fleet.ts'
import { killEverywhere, live, type Victim } from '../support/kill-everywhere.ts'
import { readBack } from '../support/read-back.ts'

/** Real programs, killed at any file operation, and again while they recover: nothing is lost and nothing repeated. */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const programAt = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/kill-at-operation/${name}.ts`, import.meta.url))

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

/**
 * A program whose effects go to a server of its own. A client hands in again what was not accepted; what was accepted is
 * not given to it again.
 */
function program(title: string): Victim {
  const data = join(folder, title)
  const names = ['one', 'two', 'three'].map((name) => `${title}-${name}`)
  const accepted = new Set<string>()
  return {
    async live(at, when) {
      const rest = names.filter((name) => !accepted.has(name))
      const ended = await live(programAt('program'), [data, ledger.host, ...rest], at, when)
      for (const [, name] of ended.said.matchAll(/^accepted (.+)$/gm)) accepted.add(name as string)
      return ended
    },
    async violations() {
      const { log, folds, waiting, broken } = await readBack(data)
      const keys = new Set(log.map((record) => (record.type === 'trigger.accepted' ? record.data.key : undefined)))
      for (const event of waiting) broken.push(`${event} has not ended`)
      for (const name of names) if (!accepted.has(name)) broken.push(`${name} was never accepted`)
      for (const name of accepted) if (!keys.has(name)) broken.push(`${name} was accepted and is not in the log`)
      for (const { name, completed, state } of folds.values())
        if (completed !== names.length || state.get('count') !== names.length)
          broken.push(`${name} completed ${completed} turns and counted ${state.get('count')}, of ${names.length}`)
      const entries = (await ledger.entries()).filter(({ body }) => names.includes(body.event))
      const expected = ['clerk', 'auditor'].flatMap((agent) => names.map((event) => ({ agent, event })))
      return [...broken, ...ledgerViolations(entries, expected, log)]
    },
    bury: () => rmSync(data, { recursive: true, force: true }),
  }
}

/** The example that a newcomer starts: each dataset is dropped once, profiled, and in the report. */
function example(title: string): Victim {
  const [data, home] = [join(folder, title, 'data'), join(folder, title, 'home')]
  copyExample(home)
  return {
    live: (at, when) => live(programAt('example'), [data, home], at, when),
    async violations() {
      const { log, folds, broken } = await readBack(data)
      const dropped = (folds.get('feeder')?.state.get('dropped') ?? []) as string[]
      const profiled = log.flatMap((record) =>
        record.type === 'bus.published' && record.data.topic === 'pipeline.profiled'
          ? [(record.data.data as { file: string }).file]
          : [],
      )
      if (new Set(dropped).size !== dropped.length) broken.push(`a dataset was dropped twice: ${dropped}`)
      const report = readFileSync(join(home, 'reports/report.md'), 'utf8')
      for (const name of dropped.slice(0, 3)) {
        if (!existsSync(join(home, 'inbox', name))) broken.push(`${name} was dropped and is not in the inbox`)
        const rows = report.split(`| ${name} |`).length - 1
        if (rows !== 1) broken.push(`${name} has ${rows} rows in the report`)
        // A kill between a write and its record has it written again: a file of a later time, which is told anew.
        const times = profiled.filter((each) => each === name).length
        if (times < 1 || times > 3) broken.push(`${name} was profiled ${times} times`)
      }
      return broken
    },
    bury: () => rmSync(join(folder, title), { recursive: true, force: true }),
  }
}

test.each([
  ['a program with effects outside', program, 15, 120],
  ['the example', example, 40, 400],
])(
  'faults 3 and 21: %s, killed anywhere and again in its recovery, loses nothing and repeats nothing',
  { timeout: 3_600_000 },
  async (_what, fresh, every, least) => {
    const tried = await killEverywhere(fresh, every)
    expect(tried, 'operations that were tried').toBeGreaterThan(torture ? least : Math.floor(least / every / 2))
  },
)
