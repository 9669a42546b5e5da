import { judge, ring0, type World, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/**
 * A disk that writes to the wrong place and says that it is done. Nobody can survive that; what must hold is that it is
 * never taken for the truth: the next start finds everything that was acknowledged, or refuses and says where.
 */
const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const every = torture ? 1 : 12

const agents = {
  clerk: {
    run: async (_event: unknown, ctx: { step(name: string, work: () => number): Promise<number> }) =>
      ctx.step('count', () => 1),
  },
}

/** One life in which the write behind the nth operation goes astray, and another one; false when it had fewer. */
async function astray(nth: number, by: number): Promise<{ came: boolean; refused: boolean }> {
  let operations = 0
  const w: World = world({ seed, segmentBytes: 3_000, agents })
  try {
    await w.until(() => w.settled, 60_000)
    const before = w.disk.operations()
    const look = (): void => {
      operations = w.disk.operations() - before
      if (operations >= nth) w.disk.misdirectNext(by)
      else w.clock.setTimer(1, look)
    }
    look()
    for (const n of [1, 2, 3, 4, 5, 6]) {
      void w.client.postEvent('clerk', { n }, { idempotencyKey: `n-${n}` }).catch(() => undefined)
      await w.run(4_000)
    }
    const acknowledged = w.told[0]?.at(-1)?.seq ?? 0
    w.faults.add(ring0.kill.at(0))
    await w.run(1)
    await w.until(() => w.settled, 60_000)
    const came = operations >= nth
    const found = w.violations.length > 0 ? w.violations : await judgedEnd(w, acknowledged)
    // A round of checkpoints may stand behind the place: then ring 0 starts, and who reads the log is told.
    // The very last flush looks like one that was torn: it is moved aside, and the log says so.
    const told = / is damaged at byte \d+(: .+)?$|the log has journal\.tail_truncated$/
    const silent = found.filter((each) => !told.test(each))
    expect(silent, `operation ${nth}, ${by} bytes`).toEqual([])
    return { came, refused: found.length > 0 }
  } finally {
    w.close()
  }
}

async function judgedEnd(w: World, acknowledged: number): Promise<readonly string[]> {
  await w.stop()
  const { violations, log } = await judge(w)
  if (violations.length === 0) expect(log.length).toBeGreaterThanOrEqual(acknowledged)
  return violations
}

test.each([512, -512, 4_096, -100_000])('a write that lands %i bytes away is never taken for the truth', async (by) => {
  let refused = 0
  for (let nth = 1 + (seed % every), came = true; came; nth += every) {
    const life = await astray(nth, by)
    came = life.came
    refused += life.refused ? 1 : 0
  }
  expect(refused, 'starts that were refused').toBeGreaterThan(0)
})
