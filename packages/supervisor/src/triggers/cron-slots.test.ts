import { describe, expect, test } from 'vitest'
import { cronProblem, nextSlot, previousSlots } from './cron-slots.ts'

const isoAfter = (pattern: string, zone: string, after: string, count: number): string[] => {
  const slots: string[] = []
  for (let at = new Date(after); slots.length < count; ) {
    const next = nextSlot(pattern, zone, at)
    if (next === undefined) break
    slots.push(next.toISOString().replace('.000Z', 'Z'))
    at = next
  }
  return slots
}

describe('nextSlot', () => {
  test.each([
    ['five fields', '*/5 * * * *', 'UTC', '2026-01-01T00:01:00Z', ['2026-01-01T00:05:00Z', '2026-01-01T00:10:00Z']],
    [
      'six fields, seconds first',
      '*/20 0 * * * *',
      'UTC',
      '2026-01-01T00:00:00Z',
      ['2026-01-01T00:00:20Z', '2026-01-01T00:00:40Z', '2026-01-01T01:00:00Z'],
    ],
    [
      'strictly after, from the middle of a second',
      '* * * * * *',
      'UTC',
      '2026-01-01T00:00:00.500Z',
      ['2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z'],
    ],
    [
      'names of weekdays',
      '0 9 * * MON-FRI',
      'UTC',
      '2026-01-02T10:00:00Z',
      ['2026-01-05T09:00:00Z', '2026-01-06T09:00:00Z'],
    ],
    ['29 February', '0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
    ['a day that never comes', '0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', []],
    [
      'in a zone',
      '0 9 * * *',
      'Asia/Kolkata',
      '2026-01-01T00:00:00Z',
      ['2026-01-01T03:30:00Z', '2026-01-02T03:30:00Z'],
    ],
    [
      'a time in the DST gap: first instant after it',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ],
    [
      'two times in the DST gap: once',
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z'],
    ],
    [
      'a time in the DST overlap: the first',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ],
    [
      'a list of times in the DST overlap',
      '30 2,14 * * *',
      'Europe/Berlin',
      '2026-10-24T23:00:00Z',
      ['2026-10-25T00:30:00Z', '2026-10-25T13:30:00Z'],
    ],
    [
      'every half hour through the DST gap',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z'],
    ],
    [
      'every half hour through the DST overlap',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00:00Z',
      ['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z'],
    ],
  ])('%s', (_name, pattern, zone, after, expected) => {
    expect(isoAfter(pattern, zone, after, Math.max(1, expected.length))).toEqual(expected)
  })
})

describe('previousSlots', () => {
  const between = (pattern: string, zone: string, after: string, until: string, limit = 100) =>
    previousSlots(pattern, zone, new Date(after), new Date(until), limit).map((slot) => slot.toISOString())

  test('takes the end and leaves out the beginning', () => {
    expect(between('0 * * * *', 'UTC', '2026-01-01T01:00:00Z', '2026-01-01T03:00:00Z')).toEqual([
      '2026-01-01T02:00:00.000Z',
      '2026-01-01T03:00:00.000Z',
    ])
  })

  test('keeps the newest when there are more than the limit', () => {
    expect(between('* * * * * *', 'UTC', '2020-01-01T00:00:00Z', '2026-01-01T00:00:00.999Z', 2)).toEqual([
      '2025-12-31T23:59:59.000Z',
      '2026-01-01T00:00:00.000Z',
    ])
  })

  test.each([
    ['nothing to make up', '2026-01-01T01:00:00Z', '2026-01-01T01:59:59Z', 10],
    ['the wall clock went back', '2026-01-01T05:00:00Z', '2026-01-01T01:00:00Z', 10],
    ['no room', '2026-01-01T00:00:00Z', '2026-01-01T09:00:00Z', 0],
  ])('is empty: %s', (_name, after, until, limit) => {
    expect(between('0 * * * *', 'UTC', after, until, limit)).toEqual([])
  })

  test.each(['30 2 * * *', '0,30 2 * * *', '30 2,14 * * *', '*/20 * * * *', '*/30 2 * * *', '0 2-3 * * *'])(
    'tells the same slots as nextSlot through both DST changes: %s',
    (pattern) => {
      for (const [after, until] of [
        ['2026-03-28T00:00:00Z', '2026-03-30T12:00:00Z'],
        ['2026-10-24T00:00:00Z', '2026-10-26T12:00:00Z'],
      ] as const) {
        const forward = isoAfter(pattern, 'Europe/Berlin', after, 500).filter((iso) => new Date(iso) <= new Date(until))
        expect(between(pattern, 'Europe/Berlin', after, until, 500).map((iso) => iso.replace('.000Z', 'Z'))).toEqual(
          forward,
        )
      }
    },
  )
})

describe('cronProblem', () => {
  test.each([
    ['', 'UTC', 'found 0'],
    ['* * *', 'UTC', 'found 3'],
    ['* * * * * * 2027', 'UTC', 'found 7'],
    ['2026-01-01T00:00:00', 'UTC', 'found 1'],
    ['61 * * * *', 'UTC', 'Invalid value for minute: 61'],
    ['x * * * *', 'UTC', 'illegal characters'],
    ['*/0 * * * *', 'UTC', 'illegal stepping'],
    ['* * * * *', 'Mars/Olympus', 'Mars/Olympus'],
  ])('%j in %s: %s', (pattern, zone, found) => {
    expect(cronProblem(pattern, zone)).toContain('expected 5 fields')
    expect(cronProblem(pattern, zone)).toContain(found)
    expect(() => nextSlot(pattern, zone, new Date(0))).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
  })

  test('is silent about good patterns, also of many zones', () => {
    for (const zone of Intl.supportedValuesOf('timeZone').slice(0, 100))
      expect(cronProblem('0 9 * * MON-FRI', zone)).toBeUndefined()
  })
})
