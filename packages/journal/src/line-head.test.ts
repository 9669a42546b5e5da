import type { JournalRecord } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineHead } from './line-head.ts'
import { decodeRecord, encodeRecord, lineSealer } from './record-codec.ts'

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
      const { seq, process, n, type, turn } = decoded.record
      expect(head).toEqual({
        ...{ seq, process, n, type, more: decoded.more, flush: decoded.flush },
        ...(turn === undefined ? {} : { turn }),
      })
    }),
    { numRuns: 3_000 },
  )
  expect(read).toBeGreaterThan(500)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
