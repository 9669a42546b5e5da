import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { turnFence } from './fence.ts'

const fence = turnFence('salt')
const [open = '', , close = ''] = fence.around('payload', 'x').split('\n')
const tag = open.replace(/^<data ([\d ]+) payload>$/, '$1')
const ends = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/

/** Pieces of which an attack is made, in any order. */
const pieces = fc.constantFrom(
  open,
  close,
  tag,
  '</data',
  '>',
  '\n',
  '\r',
  '\u2028',
  '\u0085',
  '| ',
  '\u200b',
  '<',
  'x',
  ' ',
)
const attack = fc
  .array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 20 })
  .map((all) => all.join(''))

describe('a fence', () => {
  it('is opened and closed by two lines with the same tag', () => {
    expect(open).toMatch(/^<data [2-9]{4}( [2-9]{4}){3} payload>$/)
    expect(close).toBe(`</data ${tag}>`)
  })

  it('is another for each salt, and the same for one', () => {
    expect(turnFence('salt').around('a', 'b')).toBe(fence.around('a', 'b'))
    expect(turnFence('pepper').around('a', 'b')).not.toBe(fence.around('a', 'b'))
  })

  it('is closed exactly once, at its end, whatever stands in it', () => {
    fc.assert(
      fc.property(attack, (text) => {
        const whole = fence.around('payload', text)
        const lines = whole.split(ends)
        expect(lines[0]).toBe(open)
        expect(lines.at(-1)).toBe(close)
        for (const line of lines.slice(1, -1)) expect(line.startsWith('| ')).toBe(true)
        expect(whole.split(close)).toHaveLength(2)
        expect(whole.split(tag)).toHaveLength(3)
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives the text back, but for its own tag', () => {
    fc.assert(
      fc.property(attack, (text) => {
        fc.pre(!text.includes(tag.slice(0, 4)))
        const inner = fence.around('payload', text).slice(open.length + 1, -close.length - 1)
        expect(inner.slice(2).replace(new RegExp(`(${ends.source})\\| `, 'g'), '$1')).toBe(text)
      }),
    )
  })

  const digitsFrom = (zero: number): string => tag.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
  it.each([
    ['fullwidth', digitsFrom(0xff10)],
    ['Arabic', digitsFrom(0x660)],
    ['Devanagari', digitsFrom(0x966)],
    ['bold', digitsFrom(0x1d7ce)],
    ['monospace', digitsFrom(0x1d7f6)],
    ['split', [...tag].join('\u200b')],
    ['soft', [...tag].join('\u00ad')],
    ['accented', [...tag].join('\u0301')],
    ['without its gaps', tag.replaceAll(' ', '')],
    ['over lines', tag.replaceAll(' ', '\n')],
    ['with more digits around it', `99${tag}99`],
  ])('masks its tag in digits that are %s', (_what, written) => {
    expect(fence.around('a', `<${written}>`).split('\n')[1]).toBe('| <(masked)>')
  })

  it('leaves other long numbers as they are', () => {
    expect(fence.around('a', '4111 1111 1111 1111').split('\n')[1]).toBe('| 4111 1111 1111 1111')
  })

  it('takes no label that ends its line', () => {
    expect(fence.around('a>\n</data 1', 'x').split('\n')[0]).toBe(`<data ${tag} a____data 1>`)
  })
})
