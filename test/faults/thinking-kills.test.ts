import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FaultPoint, JournalRecord } from '@vigil/protocol'
import { type FakeRequest, startFakeOpenAI } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { type EffectsLedger, startEffectsLedger } from '../support/effects-ledger/ledger.ts'

/**
 * A thinking agent on real processes, killed in a call of its model, in a call of a tool and between the two: ring 0 or the cell, at
 * every place that a turn passes. What is on record is not bought twice, and no tool runs more often than it allows.
 */
const program = fileURLToPath(new URL('../fixtures/thinking-kills/program.ts', import.meta.url))
const torture = process.env['VIGIL_TORTURE'] !== undefined

interface Kill {
  readonly victim: 'ring0' | 'cell'
  readonly point: FaultPoint
  readonly nth: number
}
interface Life {
  readonly signal: NodeJS.Signals | null | undefined
  readonly said: string
}

/** A turn makes six calls to the outside, and hears more answers. */
const crossings = { 'effect.before_act': 6, 'effect.acted': 6, 'effect.before_reply': 12 } as const
const places = (victim: Kill['victim']): Kill[] =>
  Object.entries(crossings).flatMap(([point, count]) =>
    Array.from({ length: count }, (_, index) => ({ victim, point: point as FaultPoint, nth: index + 1 })),
  )
const all = [...places('ring0'), ...places('cell')]
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
/** In a test run one of sixteen, in torture all. */
const kills = torture ? all : all.filter((_, index) => index % 16 === seed % 16)

const toolsCalled = ({ messages }: FakeRequest): string[] =>
  messages.flatMap(({ tool_calls: calls = [] }) => calls.map((call) => call.function.name))

/** Looks twice, notes, pays, and says what came of it. */
function thought(request: FakeRequest) {
  const called = toolsCalled(request)
  const what = 'order 7'
  if (called.length === 0) return { calls: ['a', 'bb'].map((each) => ({ name: 'look', input: { what: each } })) }
  if (!called.includes('note')) return { calls: [{ name: 'note', input: { what } }] }
  if (!called.includes('pay')) return { calls: [{ name: 'pay', input: { what } }] }
  return { text: JSON.stringify(request.messages.at(-1)?.content).includes('EFFECT_IN_DOUBT') ? 'in doubt' : 'paid' }
}

async function lifeOf(folder: string, outside: EffectsLedger, models: string, kill?: Kill): Promise<Life> {
  const { victim, point, nth } = kill ?? { victim: '', point: '', nth: 0 }
  const args = [folder, outside.host, models, victim, point, `${nth}`]
  const env = { ...process.env, NODE_OPTIONS: '' }
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...args],
      { env, timeout: 60_000, maxBuffer: 64_000_000 },
      (error, stdout, stderr) => resolve({ signal: error?.signal, said: stdout + stderr }),
    )
  })
}

const recordsIn = ({ said }: Life): JournalRecord[] =>
  said.split('\n').flatMap((line) => (line.startsWith('record ') ? [JSON.parse(line.slice(7)) as JournalRecord] : []))

/** How often each thought was asked for, by the number of answers that the request already held. */
function askedFor(requests: readonly FakeRequest[]): Map<string, number> {
  const asked = new Map<string, number>()
  for (const { messages } of requests) {
    const key = `model.generate:#${messages.filter(({ role }) => role === 'assistant').length}`
    asked.set(key, (asked.get(key) ?? 0) + 1)
  }
  return asked
}

const named = kills.map((kill) => [`${kill.victim} at ${kill.point}, time ${kill.nth}`, kill] as const)

test.each(named)('killed: %s', { timeout: 120_000 }, async (_name, kill) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-thinking-kills-'))
  const outside = await startEffectsLedger()
  try {
    await using fake = await startFakeOpenAI({ replies: thought })
    const first = await lifeOf(folder, outside, fake.url, kill)
    const last = first.signal === 'SIGKILL' ? await lifeOf(folder, outside, fake.url) : first
    expect(first.signal === 'SIGKILL' || kill.victim === 'cell', first.said).toBe(true)
    expect(last.said).toMatch(/^result "(paid|in doubt)"$/m)
    const records = recordsIn(last)
    const repeats = records.flatMap((record) => (record.type === 'effect.repeated' ? [record.data.key] : []))
    const thoughts = records.flatMap((record) =>
      record.type === 'effect.completed' && record.data.kind === 'model.generate' ? [record.data] : [],
    )
    expect(thoughts.map(({ key }) => key)).toEqual([0, 1, 2, 3].map((n) => `model.generate:#${n}`))
    for (const [key, times] of askedFor(fake.requests))
      expect(times, `${key} was asked for`).toBeLessThanOrEqual(1 + repeats.filter((each) => each === key).length)
    // What the provider bills is what was spent: nothing is forgotten, and what was charged twice is on record as that.
    const { billed } = fake
    const spent = thoughts.reduce((sum, { spent: paid }) => sum + (paid?.usd ?? 0), 0)
    const again = records.reduce(
      (sum, each) => sum + (each.type === 'effect.repeated' ? (each.data.reserved.usd ?? 0) : 0),
      0,
    )
    expect(spent + again).toBeGreaterThanOrEqual(billed.input * 1 + billed.output * 4 - 4 * thoughts.length)
    if (repeats.length === 0) expect(fake.requests).toHaveLength(4)
    // `pay` begins once and `note` may run again: it is one deed by its key.
    const done = await outside.entries()
    const keysOf = (kind: string) => done.filter(({ body }) => body.agent === kind).map(({ key }) => key)
    expect(keysOf('pay').length).toBeLessThanOrEqual(1)
    expect(new Set(keysOf('note')).size).toBe(1)
    if (/"paid"/.test(last.said)) expect(keysOf('pay')).toHaveLength(1)
  } finally {
    await outside.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
