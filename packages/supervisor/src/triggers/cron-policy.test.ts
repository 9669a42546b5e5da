import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CatchUp, caughtUp, type Overlap, overlapped } from './cron-policy.ts'

const page = readFileSync(new URL('../../../../docs/cron.md', import.meta.url), 'utf8')
const slots = [1, 2, 3, 4, 5].map((minute) => new Date(minute * 60_000))
const catchUps: readonly CatchUp[] = ['none', 'latest', 'all']
const overlaps: readonly Overlap[] = [
  'skip',
  'buffer_one',
  'buffer_all',
  'cancel_other',
  'terminate_other',
  'allow_all',
]

/** What fires of five missed slots, as a row of the page says it: `5 (+4)` is the fifth with `missed: 4`. */
function cell(catchUp: CatchUp, overlap: Overlap, unfinished: number): string {
  const { taken, endsOthers } = overlapped(caughtUp(slots, catchUp, false), overlap, unfinished)
  const fired = taken.map(({ slot, missed }) => `${slot.getTime() / 60_000}${missed === 0 ? '' : ` (+${missed})`}`)
  const ended = endsOthers && unfinished > 0 ? ', the other ends' : ''
  return `${fired.join(', ') || 'none'}${ended}`
}

describe.each([
  ['nothing is unfinished', 0],
  ['one event is unfinished', 1],
])('five slots were missed and %s', (title, unfinished) => {
  const after = page.slice(page.indexOf(`**When ${title}`))
  test.each(catchUps)('catch_up: %s', (catchUp) => {
    const row = after.split('\n').find((line) => line.startsWith(`| \`${catchUp}\``))
    expect(
      row
        ?.split('|')
        .slice(2, -1)
        .map((each) => each.trim()),
    ).toEqual(overlaps.map((overlap) => cell(catchUp, overlap, unfinished)))
  })
})

test('a slot that comes in time fires whatever is caught up; of several only the newest is in time', () => {
  for (const catchUp of catchUps)
    expect(caughtUp(slots.slice(4), catchUp, true)).toEqual([{ slot: slots[4], missed: 0 }])
  expect(caughtUp(slots, 'none', true)).toEqual([{ slot: slots[4], missed: 0 }])
})

test('two unfinished leave no room behind one', () => {
  expect(overlapped([1], 'buffer_one', 2).taken).toEqual([])
  expect(overlapped([1], 'buffer_all', 2).taken).toEqual([1])
})
