import { judge, ring0, seededRandom, type World, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/** Models that cost money, while ring 0 dies in the middle of their answers; the judge holds the bills against what is on record. */
const isTorture = process.env['VIGIL_TORTURE'] !== undefined
const seeds = isTorture ? 200 : 8

/** Provider `test`: one dollar for a million tokens. */
const limits = { maxCostPerInvocation: 0.02, maxHourlyCost: 0.1, maxTokensPerInvocation: 20_000 }

async function live(seed: number): Promise<World> {
  const random = seededRandom(seed)
  const w = world({
    seed,
    agents: {
      thinker: {
        model: 'test:small',
        budget: limits,
        concurrency: 3,
        maxRestarts: 10_000,
        maxOutputTokens: 1_000,
        async run(event, ctx) {
          const thoughts = [1, 2, 3].map((nth) => () => ctx.think(`${nth} of ${event.eventId}`).catch(() => undefined))
          if (ctx.random() < 0.5) await Promise.all(thoughts.map((think) => think()))
          else for (const think of thoughts) await think()
          return 'done'
        },
      },
    },
    model: () => {
      const chance = random.next()
      if (chance < 0.1) return { error: 'MODEL_RATE_LIMITED', failure: { status: 429 } }
      if (chance < 0.2) return { error: 'MODEL_UNAVAILABLE', failure: { unknown: true } }
      return { text: 'x'.repeat(Math.floor(chance * 400)), usage: { input: 100, output: Math.floor(chance * 900) } }
    },
    faults: [1, 2, 3, 4].map((nth) =>
      nth % 2 === 0
        ? ring0.kill.at(nth * 4_000 + random.next() * 3_000)
        : ring0.cutPower(7).at(nth * 4_000 + random.next() * 3_000),
    ),
  })
  await w.until(() => w.settled, 60_000)
  for (let nth = 0; nth < 20; nth += 1) {
    void w.client.postEvent('thinker', { nth }).catch(() => undefined)
    await w.run(1_000)
  }
  await w.run(60_000)
  await w.stop()
  return w
}

test(`in ${seeds} seeds nothing is billed that was not paid, and purses give no more than they have`, {
  timeout: seeds * 10_000,
}, async () => {
  const seen = { billed: 0, repeated: 0 }
  for (let seed = 1; seed <= seeds; seed += 1) {
    const w = await live(seed)
    const { violations, log } = await judge(w)
    expect(violations, `seed ${seed}`).toEqual([])
    seen.billed += w.models.billed.length
    seen.repeated += log.filter(({ type }) => type === 'effect.repeated').length
    w.close()
  }
  // Seeds in which nothing was cut would prove nothing.
  expect(seen.billed).toBeGreaterThan(seeds * 10)
  expect(seen.repeated).toBeGreaterThan(seeds / 2)
})
