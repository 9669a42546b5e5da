import { faultPoints } from '@vigil/protocol'
import { faultKinds, simulate } from '@vigil/testkit/simulation'
import { expect, test } from 'vitest'

/** Seeded runs of all of ring 0; `pnpm sim --seed N` repeats one. */
export function simulations(from: number, to: number): void {
  test(`seeds ${from} to ${to} keep every promise, and every kind of fault comes at every place`, {
    timeout: 900_000,
  }, async () => {
    const kinds = new Set<string>()
    const places = new Set<string>()
    for (let seed = from; seed <= to; seed += 1) {
      const result = await simulate(seed)
      expect(result.violations, `pnpm sim --seed ${seed}`).toEqual([])
      expect(result.effects, `effects of seed ${seed}`).toBeGreaterThanOrEqual(300)
      expect(result.starts, `starts of seed ${seed}`).toBeGreaterThanOrEqual(2)
      const faults = [...result.happened.values()].reduce((sum, count) => sum + count, 0)
      expect(faults, `faults of seed ${seed}`).toBeGreaterThanOrEqual(3)
      for (const kind of result.happened.keys()) kinds.add(kind)
      for (const place of result.places) places.add(place)
    }
    expect(
      faultKinds.filter((kind) => !kinds.has(kind)),
      'kinds that never came',
    ).toEqual([])
    expect(
      Object.keys(faultPoints).filter((point) => !places.has(point)),
      'places where none came',
    ).toEqual([])
  })
}
