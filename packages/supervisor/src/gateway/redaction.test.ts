import fc from 'fast-check'
import { expect, test } from 'vitest'
import { secretPage, zero } from '../vault/secret-page.ts'
import { redaction } from './redaction.ts'

const secret = (bytes: Uint8Array, name = 'key') => ({ name, placeholder: 'p', page: secretPage(bytes.slice()) })

/** As programs write bytes, made by the platform and not by us. */
const writings: Readonly<Record<string, (bytes: Buffer, around: { before: Buffer; after: Buffer }) => Buffer>> = {
  'as it is': (bytes, { before, after }) => Buffer.concat([before, bytes, after]),
  'in base64': (bytes, { before, after }) => Buffer.from(Buffer.concat([before, bytes, after]).toString('base64')),
  'in base64 for URLs': (bytes, { before, after }) =>
    Buffer.from(Buffer.concat([before, bytes, after]).toString('base64url')),
  'in hex': (bytes, { before }) => Buffer.concat([before, Buffer.from(bytes.toString('hex'))]),
  'in capital hex': (bytes, { before }) => Buffer.concat([before, Buffer.from(bytes.toString('hex').toUpperCase())]),
  'escaped for a URL': (bytes) => Buffer.from(`?q=${encodeURIComponent(bytes.toString('latin1'))}&r=1`),
  'escaped for JSON': (bytes) => Buffer.from(JSON.stringify({ q: bytes.toString('latin1') })),
}
const ascii = fc
  .array(fc.integer({ min: 0x09, max: 0x7e }), { minLength: 8, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes))

test.each(Object.entries(writings))('finds a secret %s, wherever it stands', (_name, written) => {
  fc.assert(
    fc.property(ascii, fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (bytes, before, after) => {
      const body = written(bytes, { before: Buffer.from(before), after: Buffer.from(after) })
      const clean = Buffer.from(redaction([secret(bytes)]).bytes(new Uint8Array(body)))
      expect(clean.includes('[secret key]')).toBe(true)
      expect(clean.includes(bytes)).toBe(false)
    }),
    { numRuns: 200 },
  )
})

test('leaves everything else as it is, also what a short secret would hit', () => {
  const body = new Uint8Array(Buffer.from('nothing of 1234567 here'))
  const seen = redaction([secret(Buffer.from('1234567'), 'short'), secret(Buffer.from('12345678'), 'long')])
  expect(seen.bytes(body)).toBe(body)
  expect(seen.text('12345678 and 12345678')).toBe('[secret long] and [secret long]')
})

test('does not look for what is zeroed', () => {
  const gone = secret(Buffer.from('a long secret'))
  zero(gone.page)
  expect(redaction([gone]).text(`${'\0'.repeat(13)} a long secret`)).toBe(`${'\0'.repeat(13)} a long secret`)
})
