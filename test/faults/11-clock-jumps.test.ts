import { afterEach, describe, expect, test } from 'vitest'
import { cronRing } from '../support/cron-ring.ts'

/** Fault test 11: the wall clock is set while slots, sleeps and retries wait. */
const hour = 3_600_000
let ring: Awaited<ReturnType<typeof cronRing>>
afterEach(() => ring.close())

describe('fault test 11: clock jumps', () => {
  test('an hour back while a slot is waited for: none fires twice, none is lost', async () => {
    ring = await cronRing({ cronExpression: '*/10 * * * *', at: '2026-01-01T00:05:00Z', overlap: 'allow_all' })
    await ring.clock.advance(hour)
    expect(ring.slots()).toHaveLength(6)
    ring.clock.stepWall(-hour)
    await ring.clock.advance(2 * hour)
    expect(ring.slots()).toHaveLength(12)
    expect(new Set(ring.slots()).size).toBe(12)
    expect(ring.slots().at(-1)).toBe('2026-01-01T02:00:00Z')
  })

  test('an hour forward: what was jumped over is folded', async () => {
    ring = await cronRing({ cronExpression: '*/10 * * * *', at: '2026-01-01T00:05:00Z' })
    ring.clock.stepWall(hour)
    await ring.clock.advance(60_000)
    expect(ring.fired).toMatchObject([{ slot: '2026-01-01T01:00:00.000Z', missed: 5 }])
    await ring.clock.advance(600_000)
    expect(ring.fired).toHaveLength(2)
  })

  test('a leap to 2038 and back: the slots of the years between are counted up to a thousand, and later ones come', async () => {
    ring = await cronRing({ cronExpression: '0 * * * *', at: '2026-01-01T00:05:00Z' })
    const leap = Date.parse('2038-01-19T03:14:00Z') - ring.clock.now()
    ring.clock.stepWall(leap)
    await ring.clock.advance(60_000)
    expect(ring.fired).toMatchObject([{ slot: '2038-01-19T03:00:00.000Z', missed: 999 }])
    await ring.clock.advance(hour)
    expect(ring.slots().at(-1)).toBe('2038-01-19T04:00:00Z')
  })

  test('a machine that slept takes no slot for timely that is not', async () => {
    ring = await cronRing({ cronExpression: '0 * * * *', at: '2026-01-01T00:30:00Z', catchUp: 'none' })
    ring.clock.stepWall(3 * hour)
    await ring.clock.advance(60_000)
    expect([ring.slots(), ring.counts().missed]).toEqual([[], 3])
    await ring.clock.advance(hour)
    expect(ring.slots()).toEqual(['2026-01-01T04:00:00Z'])
  })
})

describe('jitter', () => {
  const options = { cronExpression: '*/10 * * * * *', at: '2026-01-01T00:00:00Z', jitterMs: 60_000 } as const

  test('moves each slot by a share of its own, never to the next', async () => {
    ring = await cronRing(options)
    await ring.clock.advance(600_000)
    const late = ring.fired.map(({ slot, at }) => Date.parse(at) - Date.parse(slot))
    expect(late).toHaveLength(59 + (ring.slots().at(-1) === '2026-01-01T00:10:00Z' ? 1 : 0))
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThan(10_000)
    expect(new Set(late).size).toBeGreaterThan(50)
  })

  test('is not moved by a restart, and a slot that is not due yet was not missed', async () => {
    ring = await cronRing(options)
    await ring.clock.advance(600_000)
    const plain = ring.fired.map(({ at }) => at)
    await ring.close()
    ring = await cronRing({ ...options, catchUp: 'none' })
    for (let passed = 0; passed < 600_000; passed += 500) {
      await ring.down(0)
      await ring.clock.advance(500)
    }
    expect(ring.fired.map(({ at }) => at)).toEqual(plain)
  })
})
