import { faultKinds, simulateSpending } from '@vigil/testkit/simulation'
import { expect, test } from 'vitest'

/** Agents that spend, while ring 0, cells, disks and clocks fail; `pnpm sim --spending --seed N` repeats a seed. */
const isTorture = process.env['VIGIL_TORTURE'] !== undefined
const steps = isTorture ? 100_000 : 2_000
const firstSeed = Number(process.env['VIGIL_SEED'] ?? 1)

test(`in ${steps} steps purses give no more than they have, and hold what is on record`, {
  timeout: steps * 20,
}, async () => {
  let done = 0
  const kinds = new Set<string>()
  for (let seed = firstSeed; done < steps; seed += 1) {
    const result = await simulateSpending(seed)
    expect(result.violations, `pnpm sim --spending --seed ${seed}`).toEqual([])
    // A seed that does nothing would prove nothing.
    expect(result.steps, `steps of seed ${seed}`).toBeGreaterThan(100)
    done += result.steps
    for (const kind of result.happened.keys()) kinds.add(kind)
  }
  if (isTorture) expect(faultKinds.filter((kind) => !kinds.has(kind))).toEqual([])
})
