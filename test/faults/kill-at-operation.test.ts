import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { JournalRecord } from '@vigil/protocol'
import { applyRecord, recover, snapshotRow, type World } from '@vigil/supervisor/internal'
import { virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endedOnce, journalChecks } from '../../packages/testkit/src/world/journal-checks.ts'
import { type EffectsLedger, ledgerViolations, startEffectsLedger } from '../support/effects-ledger/ledger.ts'

/**
 * A real program, killed before or after its kth file operation for every k (both in torture; every tenth, in turn, in a
 * test run), and again while it recovers from such a death. What it said that it had accepted is not given to it again;
 * when it is let to its end, each event has ended once and left its effects outside once.
 */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const shim = fileURLToPath(new URL('../support/kill-at-operation.ts', import.meta.url))
const program = fileURLToPath(new URL('../fixtures/kill-at-operation/program.ts', import.meta.url))

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

/** A data directory, the events that it is for, and those among them that it has promised to keep. */
function place(title: string) {
  const names = ['one', 'two', 'three'].map((name) => `${title}-${name}`)
  return { data: join(folder, title), names, accepted: new Set<string>() }
}
type Place = ReturnType<typeof place>

interface Ended {
  readonly signal: NodeJS.Signals | null | undefined
  readonly said: string
}

/** One life: a client hands in again what was not accepted, until `at` comes; 0 is never. */
async function live({ data, names, accepted }: Place, at: number, when: 'before' | 'after'): Promise<Ended> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    VIGIL_KILL_AT: `${at}`,
    VIGIL_KILL_WHEN: when,
  }
  const rest = names.filter((name) => !accepted.has(name))
  const args = ['--disable-warning=ExperimentalWarning', '--import', shim, program, data, ledger.host, ...rest]
  return await new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      for (const [, name] of stdout.matchAll(/^accepted (.+)$/gm)) accepted.add(name as string)
      resolve({ signal: error?.signal, said: stdout + stderr })
    })
  })
}

async function readBack(data: string) {
  const store = await openFileStore({ fileSystem: nodeFileSystem(), clock: virtualClock(), directory: data })
  const log: JournalRecord[] = []
  const folds: World = new Map()
  await store.replay(0, (record) => {
    log.push(record)
    applyRecord(folds, record)
  })
  const { world } = await recover(store)
  await store.close()
  return { log, folds, world }
}

/** Every promise that a place which came to its end has broken, in words. */
async function violations({ data, names, accepted }: Place, { said }: Ended): Promise<string[]> {
  if (!said.includes('stopped\n')) return [`the last life did not come to its end: ${said}`]
  const { log, folds, world } = await readBack(data)
  const broken = [...journalChecks.flatMap((check) => check(log)), ...endedOnce(log, new Set())]
  const keys = new Set(log.map((record) => (record.type === 'trigger.accepted' ? record.data.key : undefined)))
  for (const name of names) if (!accepted.has(name)) broken.push(`${name} was never accepted`)
  for (const name of accepted) if (!keys.has(name)) broken.push(`${name} was accepted and is not in the log`)
  for (const { name, completed, state } of folds.values())
    if (completed !== names.length || state.get('count') !== names.length)
      broken.push(`${name} completed ${completed} turns and counted ${state.get('count')}, of ${names.length}`)
  const rows = (of: World): unknown => JSON.parse(JSON.stringify([...of.values()].map(snapshotRow)))
  if (!isDeepStrictEqual(rows(world), rows(folds))) broken.push('checkpoint and tail say something else than the log')
  const entries = (await ledger.entries()).filter(({ body }) => names.includes(body.event))
  const expected = ['clerk', 'auditor'].flatMap((agent) => names.map((event) => ({ agent, event })))
  return [...broken, ...ledgerViolations(entries, expected, log)]
}

test('killed at any file operation, and again while it recovers, a program loses nothing and repeats nothing', {
  timeout: 1_800_000,
}, async () => {
  let next = 0
  let tried = 0
  let over = false
  const lane = async (): Promise<void> => {
    while (!over) {
      const nth = next++
      const when = nth % 2 === 0 ? 'before' : 'after'
      const k = 1 + (torture ? Math.floor(nth / 2) : (seed % 10) + 10 * nth)
      const here = place(`${when}-${k}`)
      let last = await live(here, k, when)
      // A run that came to its end had fewer operations: all have been tried.
      if (last.signal !== 'SIGKILL') over = true
      else {
        tried += 1
        // The second death comes in the middle of recovery, early for some and late for others.
        await live(here, 1 + ((k * 7) % 40), when)
        last = await live(here, 0, when)
      }
      const broken = await violations(here, last)
      over ||= broken.length > 0
      expect(broken, `killed ${when} operation ${k}`).toEqual([])
      rmSync(here.data, { recursive: true, force: true })
    }
  }
  // Two at a time: a life spends most of its time waiting.
  const lanes = await Promise.allSettled([lane(), lane()])
  for (const each of lanes) if (each.status === 'rejected') throw each.reason
  expect(tried, 'operations that were tried').toBeGreaterThan(torture ? 120 : 6)
})
