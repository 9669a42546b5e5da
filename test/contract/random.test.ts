import type { Random } from '@vigil/protocol'
import { seededRandom } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../packages/supervisor/src/platform/random.ts'

const subjects: Record<string, () => Random> = { system: systemRandom, seeded: () => seededRandom(7) }

describe.each(Object.entries(subjects))('%s random', (_name, open) => {
  test('floats lie evenly in [0, 1)', () => {
    const random = open()
    const buckets = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 10_000; draw++) {
      const value = random.next()
      expect(value >= 0 && value < 1, `${value} in [0, 1)`).toBe(true)
      const bucket = Math.floor(value * 10)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(250)
  })

  test('UUIDs are of version 4 and do not repeat', () => {
    const random = open()
    const uuids = Array.from({ length: 1_000 }, () => random.uuid())
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(uuids).size).toBe(1_000)
  })

  test('bytes have the length asked for and are spread', () => {
    const random = open()
    expect(random.bytes(0)).toHaveLength(0)
    const bytes = random.bytes(10_000)
    expect(bytes).toHaveLength(10_000)
    expect(new Set(bytes).size).toBe(256)
  })
})

test('one seed gives one sequence, another seed another', () => {
  const draw = (seed: number): unknown[] => {
    const random = seededRandom(seed)
    return [random.next(), random.uuid(), [...random.bytes(4)]]
  }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
})
