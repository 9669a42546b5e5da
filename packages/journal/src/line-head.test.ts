import type { JournalRecord } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineHead } from './line-head.ts'
import { checkLine, decodeRecord, encodeRecord, lineSealer } from './record-codec.ts'

const name = fc.oneof(fc.stringMatching(/^[\w.:-]{1,20}$/), fc.string({ unit: 'binary', maxLength: 8 }))
const written = fc.record({
  record: fc.record(
    {
      seq: fc.nat(),
      n: fc.nat(),
      epoch: fc.nat(),
      at: fc.constant('2026-01-01T00:00:00.000Z'),
      process: name,
      type: fc.constantFrom('state.patched', 'turn.completed'),
      turn: name,
      data: fc.oneof(
        fc.json(),
        fc.constantFrom('{"more":true,"flush":true}', '"x\\",\\"flush\\":true"', '"","turn":"t"'),
      ),
    },
    { requiredKeys: ['seq', 'n', 'epoch', 'at', 'process', 'type', 'data'] },
  ),
  more: fc.boolean(),
  first: fc.boolean(),
})

test('the head of a line is what parsing the line says, or nothing', () => {
  const seal = lineSealer()
  let read = 0
  fc.assert(
    fc.property(written, ({ record, more, first }) => {
      fc.pre(isJson(record.data))
      const body = encodeRecord(record as unknown as JournalRecord, { data: record.data, more })
      const { bytes, ends } = seal(first ? [body] : ['{}', body], 7)
      const line = Buffer.from(bytes.subarray(first ? 0 : ends[0], bytes.length - 1))
      const head = lineHead(line)
      if (head === undefined) return
      read += 1
      const decoded = decodeRecord(line) as NonNullable<ReturnType<typeof decodeRecord>>
      const { seq, process, n, epoch, type, turn } = decoded.record
      expect(head).toEqual({
        ...{ seq, process, n, epoch, type, more: decoded.more, flush: decoded.flush },
        ...(turn === undefined ? {} : { turn }),
      })
    }),
    { numRuns: 3_000 },
  )
  expect(read).toBeGreaterThan(500)
})

test('a line that lost its end to the next one has a crc that is right, and no head', () => {
  const bodies = [1, 2].map((seq) =>
    encodeRecord(
      { seq, at: '2026-01-01T00:00:00.000Z', process: 'a', n: seq, epoch: 1, type: 'state.patched' } as JournalRecord,
      { data: '{"by":"x"}', more: false },
    ),
  )
  const { bytes, ends, chain } = lineSealer()(bodies, 7)
  const firstBody = (ends[0] as number) - ',"crc":"00000000"}\n'.length
  const joined = Buffer.concat([bytes.subarray(0, firstBody), bytes.subarray(ends[0], bytes.length - 1)])
  expect(checkLine(joined, 7)).toBe(chain)
  expect(lineHead(joined)).toBeUndefined()
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
