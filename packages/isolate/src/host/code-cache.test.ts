import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import { bundleOf } from '../../fixtures/bundle.ts'
import { launch } from '../../fixtures/launch.ts'
import { moduleSource } from './index.ts'

const saying = (word: string): string => `const word = '${word}'; module.exports = (port) => port.post(word)`
const cacheOf = (code: string): Buffer => new Script(moduleSource(code)).createCachedData()
const cell = (codeCache: Buffer) =>
  launch('', { module: { ...bundleOf(saying('source')), codeCache: codeCache.toString('base64') } })

test('a code cache is run unseen: that of another text of this length says what that text says', async () => {
  // This is also why no guest may make one.
  const guest = cell(cacheOf(saying('cached')))
  expect(await guest.next()).toBe('cached')
  guest.guest.kill({ kind: 'shutdown' })
  await guest.exited
})

test.each([
  ['of another length', cacheOf(saying('of another length'))],
  ['that is none', Buffer.from('this is no code cache')],
  ['that is empty', Buffer.alloc(0)],
])('a cache %s is refused, and the text is run', async (_name, codeCache) => {
  const guest = cell(codeCache)
  expect(await guest.next()).toBe('source')
  guest.guest.kill({ kind: 'shutdown' })
  await guest.exited
})
