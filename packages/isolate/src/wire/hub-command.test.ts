import { expect, test } from 'vitest'
import { decodeCommand, encodeCommand } from './hub-command.ts'
import type { HubCommand } from './hub-protocol.ts'

const boot = { process: 'a', epoch: 3, env: { code: 'secret', NAME: 'runtime' }, module: { hash: 'h', code: '' } }

test.each<[string, HubCommand]>([
  ['hello', { t: 'hello', token: 'abc' }],
  ['ask', { t: 'ask', slot: 7 }],
  ['open', { t: 'open', slot: 1, runtime: 'a\n"b"\n', oldGenerationMb: 1, rights: ['--x'], isSpare: false }],
  ['place', { t: 'place', slot: 1, boot: { ...boot, module: { hash: 'h', code: 'x\n{"code":3}é😀' } }, weigh: true }],
  [
    'place with a cache',
    { t: 'place', slot: 1, boot: { ...boot, module: { hash: 'h', code: 'code', codeCache: 'AAA=' } }, weigh: false },
  ],
  ['an empty module', { t: 'place', slot: 1, boot, weigh: false }],
])('%s comes out as it went in', (_name, command) => {
  expect(decodeCommand(encodeCommand(command))).toEqual(command)
})

test('long texts are neither escaped nor read as JSON', () => {
  const code = '"\n'.repeat(1_000)
  const text = encodeCommand({ t: 'place', slot: 1, boot: { ...boot, module: { hash: 'h', code } }, weigh: false })
  expect(text.endsWith(code)).toBe(true)
})
