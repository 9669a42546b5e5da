import { virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import { boundedLog } from '../../packages/supervisor/src/gateway/bounded-log.ts'
import { floodGuard } from '../../packages/supervisor/src/gateway/server-flood.ts'

test('so much of what a server says in a minute goes to the log, and in the next as much again', async () => {
  const clock = virtualClock()
  const lines: string[] = []
  const log = boundedLog(clock, (line) => lines.push(line))
  for (let line = 0; line < 100; line += 1) log(`${'x'.repeat(999)}\n`)
  expect(lines).toHaveLength(65)
  expect(lines.at(-1)).toBe('what more it says in this minute is left out')
  await clock.advance(60_000)
  log('again')
  expect(lines.at(-1)).toBe('again')
})

test('who sends ten thousand messages in a minute that nobody asked for is given up; answers do not count', async () => {
  const clock = virtualClock()
  const broken: string[] = []
  const guard = floodGuard(clock, (reason) => broken.push(reason))
  for (let n = 0; n < 10_000; n += 1) {
    guard({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
    guard({ jsonrpc: '2.0', id: n, result: {} })
  }
  await clock.advance(60_000)
  for (let n = 0; n < 10_000; n += 1) guard({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
  expect(broken).toEqual([])
  guard({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
  expect(broken).toEqual(['it sent more than 10000 messages in a minute that nobody asked for'])
})
