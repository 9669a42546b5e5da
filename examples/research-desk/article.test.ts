import { expect, test } from 'vitest'
import { articleOf, fileName } from './article.ts'

test.each([
  ['How long do swifts fly?', 'how-long-do-swifts-fly.md'],
  ['../../etc/passwd', 'etc-passwd.md'],
  ['???', 'untitled.md'],
])('the article %j lies in %s', (title, name) => {
  expect(fileName(title)).toBe(name)
})

test('an article has a title of one line, and its source', () => {
  expect(articleOf({ title: 'a\n# b', text: ' c ', source: 'd' })).toBe('# a # b\n\nc\n\nSource: d\n')
})
