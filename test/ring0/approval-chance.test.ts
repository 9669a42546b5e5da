import { defineTool } from '@vigil/agent'
import { crash, type Fault, judge, nth, ring0, seededRandom, type WorldAgent, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/** Tools and budgets that need people, people who say anything at any time, and deaths of everybody at any time. */
const torture = process.env['VIGIL_TORTURE'] === '1'
const first = Number(process.env['VIGIL_SEED'] ?? 1)
const seeds = Array.from({ length: torture ? 3_000 : 12 }, (_, n) => first + n)

const events = 4
const longestMs = 4 * 3_600_000

async function oneRun(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const upTo = (n: number): number => Math.floor(random.next() * n)
  const one = <T>(...all: readonly T[]): T => all[upTo(all.length)] as T
  const runs = new Map<string, unknown[]>()
  const tool = (name: string, once: boolean) =>
    defineTool({
      name,
      once,
      cost: 1,
      needsApproval: once,
      run(input, ctx) {
        if (once) runs.set(ctx.key, [...(runs.get(ctx.key) ?? []), input])
        return name
      },
    })
  const worker: WorldAgent = {
    tools: [tool('pay', true), tool('look', false)],
    concurrency: 1 + upTo(3),
    toolPolicy: { look: { needsApproval: 'input.n > 1' } },
    approval: { timeout: `${30 + upTo(300)}s`, onTimeout: one('deny', 'approve', 'escalate') },
    budget: { maxDailyCost: 4, maxCostPerInvocation: 1 + upTo(3), onExceeded: 'ask' },
    delivery: { maxRetries: upTo(2) },
    async run(event, ctx) {
      const { key } = event.payload as { key: string }
      const said = (call: Promise<unknown>): Promise<unknown> => call.catch(({ code }: { code: string }) => code)
      const calls = [
        ctx.tools.call('pay', { key }),
        ctx.tools.call('look', { key, n: 1 }),
        ctx.tools.call('look', { key, n: 2 }),
      ]
      return await Promise.all(calls.map(said))
    },
  }
  const places = [
    'request.opened',
    'request.decided',
    'turn.suspended',
    'turn.started',
    'effect.intended',
    'budget.granted',
  ] as const
  const faults: Fault[] = Array.from({ length: upTo(5) }, () => {
    const die = one(ring0.kill, ring0.cutPower(), crash('worker'))
    return random.next() < 0.5 ? die.at(2_000 + upTo(120_000)) : die.after(one(...places), nth(1 + upTo(5)))
  })
  const w = world({ seed, agents: { worker }, faults, adopts: false })
  const post = (key: string): void =>
    void w.client.postEvent('worker', { key }, { idempotencyKey: key }).catch(() => {
      w.clock.setTimer(1_000, () => post(key))
    })
  const speak = (): void => {
    const word = one<() => object>(
      () => ({ decision: 'approve' }),
      () => ({ decision: 'deny' }),
      () => ({ decision: 'approve', edits: { edited: upTo(1_000) } }),
      () => ({ decision: 'approve', edits: { usd: 1 + upTo(5) } }),
    )
    const open = w.settled ? (w.supervisor?.requests() ?? []) : []
    void Promise.resolve(open).then((all) => {
      const { id } = all[upTo(all.length)] ?? {}
      if (id !== undefined) w.supervisor?.decide(id, word(), 'ada').catch(() => undefined)
    })
    if (random.next() < 0.1) void w.client.grantBudget('worker', 1).catch(() => undefined)
    w.clock.setTimer(1_000 + upTo(20_000), speak)
  }
  try {
    for (let n = 0; n < events; n += 1) w.clock.setTimer(1_000 + upTo(60_000), () => post(`e${n}`))
    w.clock.setTimer(5_000, speak)
    const isDone = (): boolean => {
      const { completed = 0, deadLettered = 0 } = w.settled ? (w.supervisor?.get('worker').status().counters ?? {}) : {}
      return completed + deadLettered === events
    }
    expect(await w.until(isDone, longestMs), `seed ${seed}: everything ends`).toBe(true)
    await w.stop()
    const { violations } = await judge(w)
    expect(violations, `seed ${seed}`).toEqual([])
    for (const [key, inputs] of runs) expect(inputs, `seed ${seed}: ${key} runs once`).toHaveLength(1)
  } finally {
    w.close()
  }
}

test(`whatever people say and whoever dies, in ${seeds.length} seeded worlds`, { timeout: 3_600_000 }, async () => {
  for (const seed of seeds) await oneRun(seed)
})
