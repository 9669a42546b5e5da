import { expect, it } from 'vitest'
import { payloadOf } from './payload.ts'

const of = (text: string, type?: string) => payloadOf(type, Buffer.from(text))

it('is the JSON of the body, else its text, else its bytes', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/cloudevents+json',
    '',
    undefined,
  ])
    expect(of('{"fooBar":[1]}', type)).toEqual({ fooBar: [1] })
  expect(of('7', 'application/json')).toBe(7)
  expect(of('7', 'text/plain')).toEqual({ text: '7' })
  expect(of('payload=%7B%7D', 'application/x-www-form-urlencoded')).toEqual({ text: 'payload=%7B%7D' })
  expect(of('{"a":', 'application/json')).toEqual({ text: '{"a":' })
  expect(of('')).toEqual({ text: '' })
  expect(payloadOf('application/json', new Uint8Array([0xff, 0xfe]))).toEqual({ base64: '//4=' })
})

it('refuses what nests deeper than records can', () => {
  const nested = (deep: number) => of(`${'['.repeat(deep)}${']'.repeat(deep)}`)
  expect(() => nested(200)).not.toThrow()
  for (const deep of [201, 5_000, 400_000])
    expect(() => nested(deep)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
})
