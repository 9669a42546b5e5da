import { expect, test } from 'vitest'
import { type Calendar, dayStart, periodEnd } from './period.ts'

const ends = (unit: Parameters<typeof periodEnd>[0], at: string, calendar: Partial<Calendar> = {}): string =>
  new Date(periodEnd(unit, Date.parse(at), { timeZone: 'UTC', resetHour: 0, ...calendar })).toISOString().slice(0, 16)

test.each([
  ['hour', '2026-03-01T10:15Z', {}, '2026-03-01T11:00'],
  ['hour', '2026-03-01T10:15Z', { timeZone: 'Asia/Kolkata' }, '2026-03-01T10:30'],
  ['day', '2026-03-01T10:15Z', {}, '2026-03-02T00:00'],
  ['day', '2026-03-01T00:00Z', {}, '2026-03-02T00:00'],
  ['day', '2026-03-01T05:59Z', { resetHour: 6 }, '2026-03-01T06:00'],
  ['day', '2026-03-01T06:00Z', { resetHour: 6 }, '2026-03-02T06:00'],
  ['day', '2026-03-01T10:15Z', { timeZone: 'America/New_York' }, '2026-03-02T05:00'],
  ['month', '2026-01-31T10:15Z', {}, '2026-02-01T00:00'],
  ['month', '2026-12-31T23:59Z', {}, '2027-01-01T00:00'],
  ['month', '2026-02-01T05:59Z', { resetHour: 6 }, '2026-02-01T06:00'],
  ['month', '2026-02-01T06:00Z', { resetHour: 6 }, '2026-03-01T06:00'],
] as const)('a %s that holds %s ends in %o at %s', (unit, at, calendar, end) => {
  expect(ends(unit, at, calendar)).toBe(end)
})

test('a day has 23 hours where clocks go forward, and 25 where they go back', () => {
  const berlin = { timeZone: 'Europe/Berlin' }
  expect(ends('day', '2026-03-28T23:00Z', berlin)).toBe('2026-03-29T22:00')
  expect(ends('day', '2026-10-24T22:00Z', berlin)).toBe('2026-10-25T23:00')
})

test('a reset hour that a day skips comes right after the gap, and of one that comes twice the first counts', () => {
  const berlin = { timeZone: 'Europe/Berlin', resetHour: 2 }
  expect(ends('day', '2026-03-28T12:00Z', berlin)).toBe('2026-03-29T01:00')
  expect(ends('day', '2026-03-29T01:00Z', berlin)).toBe('2026-03-30T00:00')
  expect(ends('day', '2026-10-24T12:00Z', berlin)).toBe('2026-10-25T00:00')
  expect(ends('day', '2026-10-25T00:30Z', berlin)).toBe('2026-10-26T01:00')
})

test.each([
  ['2026-03-01T05:59Z', { resetHour: 6 }, '2026-02-28T06:00'],
  ['2026-03-01T06:00Z', { resetHour: 6 }, '2026-03-01T06:00'],
  ['2026-03-29T00:59Z', { timeZone: 'Europe/Berlin', resetHour: 2 }, '2026-03-28T01:00'],
  ['2026-03-29T22:30Z', { timeZone: 'Europe/Berlin', resetHour: 2 }, '2026-03-29T01:00'],
] as const)('the day of %s with %o begins at %s', (at, calendar: Partial<Calendar>, start) => {
  const begins = dayStart(Date.parse(at), { timeZone: 'UTC', resetHour: 0, ...calendar })
  expect(new Date(begins).toISOString().slice(0, 16)).toBe(start)
})

test('a clock may count parts of milliseconds', () => {
  expect(periodEnd('day', 0.5, { timeZone: 'UTC', resetHour: 0 })).toBe(86_400_000)
})

test('of an hour that comes twice each is an hour', () => {
  const berlin = { timeZone: 'Europe/Berlin' }
  expect(ends('hour', '2026-10-25T00:30Z', berlin)).toBe('2026-10-25T01:00')
  expect(ends('hour', '2026-10-25T01:30Z', berlin)).toBe('2026-10-25T02:00')
})
