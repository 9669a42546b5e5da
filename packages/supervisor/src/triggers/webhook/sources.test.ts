import { expect, it } from 'vitest'
import { isLoopbackAddress, sourceList, sourcesProblem } from './sources.ts'

const list = sourceList(['203.0.113.7', '10.0.0.0/8', '2001:db8::/32', '::1'])

it.each([
  ['203.0.113.7', true],
  ['203.0.113.8', false],
  ['10.255.0.1', true],
  ['11.0.0.1', false],
  ['::ffff:10.1.2.3', true],
  ['::FFFF:10.1.2.3', true],
  ['::ffff:11.1.2.3', false],
  ['2001:db8:1::5', true],
  ['2001:db9::5', false],
  ['2001:db8::1%eth0', true],
  ['::1', true],
  ['127.0.0.1', false],
  ['not an address', false],
  ['', false],
  [undefined, false],
])('%s: %s', (address, is) => {
  expect(list(address)).toBe(is)
})

it('lets everybody in by a network of all, of that family', () => {
  expect(sourceList(['0.0.0.0/0'])('8.8.8.8')).toBe(true)
  expect(sourceList(['::/0'])('2001:db8::1')).toBe(true)
})

it('says which of the sources is none', () => {
  expect(sourcesProblem(['10.0.0.0/8', '::1'])).toBeUndefined()
  for (const bad of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0',
    'example.com',
    '::1/129',
    'fe80::1%eth0',
    '10.0.0.0/-1',
    '',
  ])
    expect(sourcesProblem(['10.0.0.1', bad])).toContain(JSON.stringify(bad))
})

it('knows this machine', () => {
  for (const own of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
    expect(isLoopbackAddress(own), own).toBe(true)
  for (const other of ['10.0.0.1', '::', '::2', '127.0.0.1.example.com', ''])
    expect(isLoopbackAddress(other), other).toBe(false)
})
