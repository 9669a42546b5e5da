import type { JSONRPCMessage } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { lineFrames } from './line-frames.ts'
import type { FromServerLane } from './messages.ts'
import { stdioTransport } from './server-stdio.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('lines come whole however they are cut, and in their order', () => {
  const text = 'one\n{"ü":"€"}\n\nlast\n'
  for (let size = 1; size <= 7; size += 1) {
    const frames = lineFrames()
    const whole = bytes(text)
    const lines: string[] = []
    for (let at = 0; at < whole.byteLength; at += size) lines.push(...frames.add(whole.slice(at, at + size)))
    expect(lines).toEqual(['one', '{"ü":"€"}', '', 'last'])
  }
})

test('a line that is too long is refused before and when it ends', () => {
  expect(lineFrames(10).add(bytes('0123456789\n'))).toEqual(['0123456789'])
  expect(() => lineFrames(10).add(bytes('0123456789a\n'))).toThrow('a line of more than 10 bytes')
  const frames = lineFrames(10)
  expect(frames.add(bytes('01234'))).toEqual([])
  expect(() => frames.add(bytes('567890'))).toThrow(RangeError)
})

function opened() {
  const told: FromServerLane[] = []
  const broken: string[] = []
  const messages: JSONRPCMessage[] = []
  const transport = stdioTransport(
    (message) => told.push(message),
    (reason) => broken.push(reason),
  )
  transport.onmessage = (message) => void messages.push(message)
  return { transport, told, broken, messages }
}

test('what is no message goes to the log, and a program that says nothing else is given up', () => {
  const { transport, told, broken, messages } = opened()
  transport.bytes(bytes('Starting...\n{"jsonrpc":"2.0","method":"notifications/x"}\n[1]\nnull\n{"id":1}\n'))
  expect(messages).toEqual([{ jsonrpc: '2.0', method: 'notifications/x' }])
  expect(told.filter(({ kind }) => kind === 'note')).toEqual(
    ['Starting...', '[1]', 'null', '{"id":1}'].map((text) => ({ kind: 'note', text })),
  )
  expect(broken).toEqual([])
  transport.bytes(bytes('noise\n'.repeat(96)))
  expect(broken[0]).toBe('it wrote 100 lines to stdout that are no message')
})

test('all bytes are taken, also of a line without end, which is the end of it', () => {
  const { transport, told, broken } = opened()
  for (let round = 0; round < 5; round += 1) transport.bytes(new Uint8Array(1_000_000).fill(0x61))
  expect(told.filter(({ kind }) => kind === 'taken')).toHaveLength(5)
  expect(broken[0]).toContain('a line of more than 4000000 bytes')
})
