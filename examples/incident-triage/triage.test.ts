import { expect, test } from 'vitest'
import { pageOf, reportOf, runbooksAbout } from './triage.ts'

const runbooks = [
  { name: 'checkout.md', text: 'Checkout fails: roll back the payment service.' },
  { name: 'search.md', text: 'Search is slow: restart it.' },
]

test('runbooks are found by the words that they share, the best first', () => {
  expect(runbooksAbout('The payment checkout fails', runbooks).map(({ name }) => name)).toEqual(['checkout.md'])
  expect(runbooksAbout('search and payment restart', runbooks).map(({ name }) => name)).toEqual([
    'search.md',
    'checkout.md',
  ])
  expect(runbooksAbout('an odd one', runbooks)).toEqual([])
})

test('a title of many lines stays in its heading', () => {
  const report = { issue: 7, title: 'It\n# hangs', severity: 'sev2', cause: 'unknown', next: 'look' } as const
  expect(reportOf(report).split('\n')[0]).toBe('# Issue 7: It # hangs')
  expect(pageOf({ team: 'shop', message: 'a\nTo: all' })).toBe('To: shop\na To: all\n')
})
