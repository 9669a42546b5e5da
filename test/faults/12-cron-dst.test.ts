import { describe, expect, test } from 'vitest'
import { cronRing } from '../support/cron-ring.ts'

/** Fault test 12: changes of the zone's clock, days that not every year has, and downtime across them. */
const hour = 3_600_000

describe('fault test 12: DST', () => {
  test.each([
    [
      'in the gap: the first instant after it',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      30,
      ['2026-03-29T01:00:00Z'],
    ],
    ['in the overlap: once', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 30, ['2026-10-25T00:30:00Z']],
    [
      'a gap of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T12:00:00Z',
      24,
      ['2026-10-03T15:30:00Z'],
    ],
    [
      'an overlap of half an hour',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-04T12:00:00Z',
      20,
      ['2026-04-04T14:45:00Z'],
    ],
    [
      'every hour through the gap',
      '0 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:30:00Z',
      2,
      ['2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
    ],
    [
      'every hour through the overlap',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:30:00Z',
      2,
      ['2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'],
    ],
    ['29 February', '0 0 29 2 *', 'UTC', '2028-02-28T12:00:00Z', 24, ['2028-02-29T00:00:00Z']],
    ['no 29 February', '0 0 29 2 *', 'UTC', '2027-02-28T12:00:00Z', 48, []],
  ] as const)('%s', async (_, cronExpression, timezone, at, hours, slots) => {
    const running = await cronRing({ cronExpression, timezone, at })
    await running.clock.advance(hours * hour)
    expect(running.slots()).toEqual(slots)
    await running.close()

    const down = await cronRing({ cronExpression, timezone, at, catchUp: 'all', overlap: 'buffer_all' })
    await down.down(hours * hour)
    expect(down.slots(), 'downtime across it').toEqual(slots)
    await down.close()
  })

  test('another zone is another trigger: it counts from its deploy and has its own slots', async () => {
    const berlin = await cronRing({
      cronExpression: '0 9 * * *',
      timezone: 'Europe/Berlin',
      at: '2026-01-01T08:30:00Z',
    })
    const london = await cronRing({
      cronExpression: '0 9 * * *',
      timezone: 'Europe/London',
      at: '2026-01-01T08:30:00Z',
    })
    await Promise.all([berlin, london].map(({ clock }) => clock.advance(hour)))
    expect([berlin.slots(), london.slots()]).toEqual([[], ['2026-01-01T09:00:00Z']])
    await Promise.all([berlin.close(), london.close()])
  })
})
