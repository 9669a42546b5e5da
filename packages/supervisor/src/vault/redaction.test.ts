import { type RecordType, recordTable } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { liveRedaction } from './live-redaction.ts'
import { recordTexts } from './record-texts.ts'
import { patternsOf, redaction } from './redaction.ts'
import { secretPage, zero } from './secret-page.ts'
import type { LiveSecret } from './vault.ts'

const secret = (bytes: Uint8Array, name = 'key') => ({ name, placeholder: 'p', page: secretPage(bytes.slice()) })

/** As programs write bytes, made by the platform and not by us. */
const writings: Readonly<Record<string, (bytes: Buffer, around: { before: Buffer; after: Buffer }) => Buffer>> = {
  'as it is': (bytes, { before, after }) => Buffer.concat([before, bytes, after]),
  'in base64': (bytes, { before, after }) => Buffer.from(Buffer.concat([before, bytes, after]).toString('base64')),
  'in base64 for URLs': (bytes, { before, after }) =>
    Buffer.from(Buffer.concat([before, bytes, after]).toString('base64url')),
  'in hex': (bytes, { before }) => Buffer.concat([before, Buffer.from(bytes.toString('hex'))]),
  'in capital hex': (bytes, { before }) => Buffer.concat([before, Buffer.from(bytes.toString('hex').toUpperCase())]),
  'as a string of bytes': (bytes) => Buffer.from(bytes.toString('latin1')),
  'escaped for a URL': (bytes) => Buffer.from(`?q=${encodeURIComponent(bytes.toString('latin1'))}&r=1`),
  'escaped for a URL, in small letters': (bytes) =>
    Buffer.from(encodeURIComponent(bytes.toString('latin1')).replaceAll(/%../g, (code) => code.toLowerCase())),
  'escaped for a form': (bytes) => Buffer.from(new URLSearchParams({ q: bytes.toString('latin1') }).toString()),
  'escaped for JSON': (bytes) => Buffer.from(JSON.stringify({ q: bytes.toString('latin1') })),
  'escaped for JSON of ASCII alone': (bytes) =>
    Buffer.from(
      JSON.stringify(bytes.toString('latin1')).replaceAll(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    ),
}
const someBytes = fc.uint8Array({ minLength: 8, maxLength: 60 }).map((bytes) => Buffer.from(bytes))

test.each(Object.entries(writings))('finds a secret %s, wherever it stands', (_name, written) => {
  fc.assert(
    fc.property(
      someBytes,
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      (bytes, before, after) => {
        const body = written(bytes, { before: Buffer.from(before), after: Buffer.from(after) })
        const clean = Buffer.from(redaction([secret(bytes)]).bytes(new Uint8Array(body)))
        expect(clean.includes('[secret key]')).toBe(true)
      },
    ),
    { numRuns: 200 },
  )
})

test('finds each of many secrets, also where one begins in another', () => {
  const keys = Array.from({ length: 500 }, (_, k) => `sk_live_${k}_${'x'.repeat(k % 7)}${k * 7919}`)
  const seen = redaction(keys.map((key, k) => secret(Buffer.from(key), `s${k}`)))
  expect(seen.text(keys.join(' '))).toBe(keys.map((_, k) => `[secret s${k}]`).join(' '))
  const overlapping = redaction([secret(Buffer.from('abcdefgh1234'), 'a'), secret(Buffer.from('efgh1234zzzz'), 'b')])
  expect(overlapping.text('..abcdefgh1234zzzz..')).toBe('..[secret a]..')
})

test('finds what a slow search finds', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 12 })
  fc.assert(
    fc.property(fc.array(letters, { minLength: 1, maxLength: 5 }), fc.string({ unit: letters }), (keys, text) => {
      const clean = redaction(keys.map((key) => secret(Buffer.from(key)))).text(text)
      expect(clean !== text).toBe(keys.some((key) => text.includes(key)))
      for (const key of keys) expect(clean).not.toContain(key)
    }),
  )
})

test('leaves everything else as it is, also what a short secret would hit', () => {
  const body = new Uint8Array(Buffer.from('nothing of 1234567 here'))
  const seen = redaction([secret(Buffer.from('1234567'), 'short'), secret(Buffer.from('12345678'), 'long')])
  expect(seen.bytes(body)).toBe(body)
  expect(seen.text('12345678 and 12345678')).toBe('[secret long] and [secret long]')
  const value = { a: [1, 'two', { three: null }], b: 'ünïcödé' }
  expect(seen.value(value)).toBe(value)
  expect(seen.value({ ...value, c: { 'is 12345678': ['12345678'] } })).toEqual({
    ...value,
    c: { 'is [secret long]': ['[secret long]'] },
  })
})

test('texts of every length are looked through', () => {
  const seen = redaction([secret(Buffer.from('12345678'))])
  for (const length of [0, 21_835, 21_840, 30_000, 300_000]) {
    const before = 'é'.repeat(length)
    expect(seen.text(`${before}12345678`) === `${before}[secret key]`, `${length}`).toBe(true)
  }
})

test('does not look for what is zeroed', () => {
  const gone = secret(Buffer.from('a long secret'))
  zero(gone.page)
  expect(redaction([gone]).text(`${'\0'.repeat(13)} a long secret`)).toBe(`${'\0'.repeat(13)} a long secret`)
})

test('what is live is looked for, and no longer than that', () => {
  const live = new Set<LiveSecret>()
  let tell = (): void => undefined
  const seen = liveRedaction()
  expect(seen.text('a long secret')).toBe('a long secret')
  seen.follow({
    live: () => live,
    changed: (listener) => {
      tell = listener
      return () => undefined
    },
  })
  const one = { process: 'p', ...secret(Buffer.from('a long secret'), 'one') }
  live.add(one)
  tell()
  live.add({ process: 'p', ...secret(Buffer.from('another secret'), 'two') })
  tell()
  expect(seen.text('a long secret, another secret')).toBe('[secret one], [secret two]')
  zero(one.page)
  live.delete(one)
  tell()
  expect(seen.text('a long secret, another secret')).toBe('a long secret, [secret two]')
  seen.close()
  expect(seen.text('another secret')).toBe('another secret')
})

test('the forms of a secret are zeroed when the search ends', () => {
  const page = secret(Buffer.from('a long "secret" of ünïcödé'))
  const patterns = patternsOf(page)
  expect(patterns.length).toBeGreaterThan(8)
  const seen = redaction([page])
  seen.end()
  expect(seen.text('a long "secret" of ünïcödé')).toBe('a long "secret" of ünïcödé')
})

/** Fields of any content that are none of the world's: what operators configure, and authors write before there is a secret. */
const ofOperators = new Set([
  'agent.described.tools',
  'process.deployed.manifest',
  'trigger.added.trigger',
  'budget.changed.set',
  'budget.changed.budget',
  'notice.queued.to',
])

test('wherever a record may carry anything it is looked through', () => {
  for (const [type, { data }] of Object.entries(recordTable))
    for (const [field, schema] of Object.entries(data.toJSONSchema({ unrepresentable: 'any' }).properties ?? {})) {
      const isOpen = /\{\}|"additionalProperties":\{|defs\/(outcome|error|event|writes|exit_cause)/.test(
        JSON.stringify(schema),
      )
      if (!isOpen || ofOperators.has(`${type}.${field}`)) continue
      const texts: readonly string[] = recordTexts[type as RecordType]
      expect(
        texts.some((path) => path === field || path.startsWith(`${field}.`)),
        `${type}.${field}`,
      ).toBe(true)
    }
})
