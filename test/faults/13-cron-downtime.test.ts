import { judge, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { cronRing } from '../support/cron-ring.ts'

/** Fault test 13: downtime, by each way to catch up and each overlap; and two that race for one slot. */
const catchUps = ['none', 'latest', 'all'] as const
const overlaps = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all'] as const
const none: readonly string[] = []
const every = ['1', '2', '3', '4', '5']

/** What fires of five slots that passed: the slot, and behind `+` what was folded into it. */
const fires = {
  idle: {
    none: [none, none, none, none, none, none],
    latest: [['5+4'], ['5+4'], ['5+4'], ['5+4'], ['5+4'], ['5+4']],
    all: [['1'], ['1', '2'], every, ['5'], ['5'], every],
  },
  busy: {
    none: [none, none, none, none, none, none],
    latest: [none, ['5+4'], ['5+4'], ['5+4'], ['5+4'], ['5+4']],
    all: [none, ['1'], every, ['5'], ['5'], every],
  },
} as const
const cases = (['idle', 'busy'] as const).flatMap((state) =>
  catchUps.flatMap((catchUp) =>
    overlaps.map((overlap, index) => ({
      state,
      catchUp,
      overlap,
      expected: fires[state][catchUp][index] as readonly string[],
    })),
  ),
)

let w: World | undefined
afterEach(() => w?.close())

describe('fault test 13: downtime', () => {
  test('each way to catch up and each overlap fires what its table says, in the whole of ring 0', async () => {
    const nameOf = ({ state, catchUp, overlap }: (typeof cases)[number]) => `${state}-${catchUp}-${overlap}`
    const agents = Object.fromEntries(
      cases.map((each): [string, WorldAgent] => [
        nameOf(each),
        {
          // The busy ones have one turn open that began with the slot before the downtime.
          triggers: [{ type: 'cron', cronExpression: '0 * * * * *', catchUp: each.catchUp, overlap: each.overlap }],
          run: async (event, ctx) => {
            const { scheduled_time } = event.payload as { scheduled_time: string }
            if (each.state === 'busy' && scheduled_time.includes('T00:01:')) await ctx.sleep('20d')
          },
        },
      ]),
    )
    w = world({ seed: 1, agents })
    const live = w
    await live.until(() => live.settled, 60_000)
    // Slots come each minute; the first is behind them.
    await live.run(90_000 - (live.clock.now() % 60_000))
    for (const each of cases) void live.supervisor?.get(nameOf(each)).stop()
    await live.run(5 * 60_000)
    for (const each of cases) void live.supervisor?.get(nameOf(each)).start()
    await live.run(20_000)
    await live.stop()
    const { log, violations } = await judge(live)
    expect(violations).toEqual([])
    for (const each of cases) {
      const own = log.filter(({ process }) => process === nameOf(each))
      const found = own.flatMap((record) => {
        if (record.type !== 'trigger.accepted') return []
        const { scheduled_time, missed } = record.data.event.payload as { scheduled_time: string; missed: number }
        const minute = new Date(scheduled_time).getUTCMinutes() - 1
        return minute === 0 ? [] : [`${minute}${missed === 0 ? '' : `+${missed}`}`]
      })
      expect(found, nameOf(each)).toEqual(each.expected)
      const cancelled = own.filter(({ type }) => type === 'turn.cancelled').length
      const ends = each.state === 'busy' && /other/.test(each.overlap) && each.expected.length > 0
      expect(cancelled, nameOf(each)).toBe(ends ? 1 : 0)
    }
  })

  test.each([
    ['a day', 86_400_000, 24],
    ['a week', 7 * 86_400_000, 168],
    ['longer than a thousand slots', 60 * 86_400_000, 1_000],
  ])('%s: every slot is fired or counted', async (_, downMs, passed) => {
    for (const catchUp of catchUps) {
      const ring = await cronRing({
        cronExpression: '0 * * * *',
        at: '2026-03-01T00:30:00Z',
        catchUp,
        overlap: 'buffer_all',
      })
      await ring.down(downMs)
      const folded = ring.fired.reduce((total, { missed }) => total + missed, 0)
      expect([catchUp, ring.fired.length, folded, ring.counts().missed]).toEqual([
        catchUp,
        { none: 0, latest: 1, all: passed }[catchUp],
        catchUp === 'latest' ? passed - 1 : 0,
        { none: passed, latest: passed - 1, all: 0 }[catchUp],
      ])
      expect(ring.errors.map(({ message }) => message)).toEqual(
        catchUp === 'all' && passed === 1_000 ? [expect.stringContaining('more than 1000 slots')] : [],
      )
      await ring.close()
    }
  })

  test('two clocks that race for one slot fire it once', async () => {
    const ring = await cronRing({ cronExpression: '*/10 * * * * *', at: '2026-01-01T00:00:00Z', overlap: 'allow_all' })
    const second = ring.open()
    await ring.clock.advance(60_000)
    await second.close()
    expect(ring.slots()).toEqual(
      [10, 20, 30, 40, 50].map((s) => `2026-01-01T00:00:${s}Z`).concat('2026-01-01T00:01:00Z'),
    )
    await ring.close()
  })
})
