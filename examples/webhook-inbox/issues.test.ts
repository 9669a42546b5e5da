import { expect, test } from 'vitest'
import { digestOf, noted } from './issues.ts'

const delivery = (action: string) => ({
  action,
  issue: { number: 7, title: 'It hangs' },
  repository: { full_name: 'a/b' },
})

test('a closed issue is one less, any other is one more', () => {
  expect(['opened', 'reopened', 'closed'].map((action) => noted(delivery(action)).change)).toEqual([1, 1, -1])
  expect(noted(delivery('opened')).what).toBe('#7 It hangs: opened')
})

test('a digest has a row for each repository, in order, and the news', () => {
  const text = digestOf(
    [
      ['b/c', 1],
      ['a/b', 2],
    ],
    [noted(delivery('closed'))],
  )
  expect(text.split('\n').slice(2)).toEqual([
    '| repository | open |',
    '|---|---|',
    '| a/b | 2 |',
    '| b/c | 1 |',
    '',
    '## What happened last',
    '',
    '- a/b #7 It hangs: closed',
    '',
  ])
})
