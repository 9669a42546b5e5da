import type { JournalRecord } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  chainAtEnd,
  checkLine,
  decodeHeader,
  decodeRecord,
  encodeHeader,
  encodeRecord,
  lineSealer,
} from './record-codec.ts'

const anyRecord = fc.record(
  {
    seq: fc.integer({ min: 1 }),
    at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
    process: fc.string({ unit: 'grapheme', minLength: 1 }),
    n: fc.integer({ min: 1 }),
    epoch: fc.nat(),
    type: fc.constant('state.patched'),
    turn: fc.string({ unit: 'binary' }),
    data: fc
      .jsonValue({ noUnicodeString: false })
      .map((value) => JSON.parse(JSON.stringify({ set: { value }, by: 'program' }))),
  },
  { requiredKeys: ['seq', 'at', 'process', 'n', 'epoch', 'type', 'data'] },
) as unknown as fc.Arbitrary<JournalRecord>
const anyCrc = fc.nat({ max: 0xffffffff })

const seal = lineSealer()
const encode = (record: JournalRecord, seed: number, more = false): { text: string; crc: number } => {
  const { bytes, chain } = seal([encodeRecord(record, { data: JSON.stringify(record.data), more })], seed)
  return { text: bytes.toString('utf8'), crc: chain }
}
/** The line as a reader gets it. */
const lineOf = (text: string): Buffer => Buffer.from(text.slice(0, -1))

test('every record comes back from one line of plain JSON', () => {
  fc.assert(
    fc.property(anyRecord, anyCrc, fc.boolean(), (record, chain, more) => {
      const { text, crc } = encode(record, chain, more)
      expect(text.indexOf('\n')).toBe(text.length - 1)
      const { crc: written, more: marked, flush, ...rest } = JSON.parse(text)
      expect(flush).toBe(true)
      expect(rest).toEqual(record)
      expect(Object.keys(JSON.parse(text)).at(-1)).toBe('crc')
      expect([written, marked]).toEqual([crc.toString(16).padStart(8, '0'), more ? true : undefined])
      expect(checkLine(lineOf(text), chain)).toBe(crc)
      expect(decodeRecord(lineOf(text))).toEqual({ record, more, flush: true })
    }),
  )
})

test('no line passes after another one, nor with a byte changed or missing', () => {
  fc.assert(
    fc.property(
      anyRecord,
      anyCrc,
      anyCrc,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (record, chain, other, pick, mask) => {
        const line = lineOf(encode(record, chain).text)
        if (other !== chain) expect(checkLine(line, other)).toBeUndefined()
        const at = pick % line.length
        expect(checkLine(line.subarray(0, at), chain)).toBeUndefined()
        line[at] = (line[at] as number) ^ mask
        expect(checkLine(line, chain)).toBeUndefined()
      },
    ),
  )
})

test('a header says where its segment begins and which checksum came before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), anyCrc, (first, chain) => {
      const line = lineOf(encodeHeader(first, chain).text)
      expect(decodeHeader(line)).toMatchObject({ first, chain })
      expect(Object.keys(JSON.parse(line.toString()))).toEqual(['vigil', 'format', 'first', 'chain', 'crc'])
    }),
  )
})

test('lines stay as they were written: a change of the format needs an upcaster', () => {
  const record = {
    seq: 7,
    at: '2026-01-01T00:00:00.000Z',
    process: 'a',
    n: 3,
    epoch: 2,
    type: 'state.patched',
    turn: 't1',
  }
  const { text } = encode(
    { ...record, data: { set: { k: 'ü' }, by: 'program' } } as unknown as JournalRecord,
    0x1234abcd,
  )
  expect(text).toBe(
    '{"seq":7,"at":"2026-01-01T00:00:00.000Z","process":"a","n":3,"epoch":2,"type":"state.patched","turn":"t1","data":{"set":{"k":"ü"},"by":"program"},"flush":true,"crc":"3a27c7c5"}\n',
  )
  expect(encodeHeader(42, 0xdeadbeef).text).toBe(
    '{"vigil":"journal","format":1,"first":42,"chain":"deadbeef","crc":"621ff83e"}\n',
  )
})

test('what stands in the place of a crc and is none continues nothing', () => {
  for (const text of ['026-01-0', '-1234567', '+1234567', '0x123456', ' 1234567', 'ABCDEF01'])
    expect(
      checkLine(lineOf(encode({ seq: 1, data: {} } as JournalRecord, 0).text), chainAtEnd(Buffer.from(`${text}"}`))),
      text,
    ).toBe(undefined)
})
