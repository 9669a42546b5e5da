import { fixedMemory } from './secret-page.ts'

/**
 * How programs write a secret: as it is, in base64 at each of the three offsets (also the URL's alphabet), in hex, escaped for a URL and escaped
 * for JSON. Only bytes, in memory of their own that can be zeroed: a string could not be.
 */
export function formsOf(shared: Uint8Array): Uint8Array[] {
  const secret = fixedMemory(shared.byteLength)
  secret.set(shared)
  const forms: Uint8Array[] = [secret, hexOf(secret, lowerHex), hexOf(secret, upperHex)]
  for (const offset of [0, 1, 2]) {
    const inner = base64At(secret, offset)
    forms.push(inner, escapedBy(inner, toUrlAlphabet))
  }
  for (const text of textsOf(secret)) {
    if (text.every((byte) => plain.has(byte))) continue
    const escapes = [unreserved, component].flatMap((stays) => [urlEscape(stays, upperHex), urlEscape(stays, lowerHex)])
    forms.push(text, ...escapes.map((each) => escapedBy(text, each)))
    forms.push(escapedBy(text, formEscape), escapedBy(text, jsonEscape), asciiJson(text))
  }
  return distinct(forms)
}

/** What is left out is zeroed. */
function distinct(forms: readonly Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = []
  for (const form of forms) {
    if (kept.includes(form)) continue
    if (kept.some((other) => Buffer.compare(other, form) === 0)) form.fill(0)
    else kept.push(form)
  }
  return kept
}

/** The secret as UTF-8, and, if it is more than ASCII, also each byte as a character, as binary is held in strings. */
function textsOf(secret: Uint8Array): Uint8Array[] {
  if (secret.every((byte) => byte < 0x80)) return [secret]
  const text = escapedBy(secret, (byte) => (byte < 0x80 ? [byte] : [0xc0 | (byte >> 6), 0x80 | (byte & 63)]))
  return [secret, text]
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const lowerHex = bytesOf('0123456789abcdef')
const upperHex = bytesOf('0123456789ABCDEF')
const base64 = bytesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

function hexOf(secret: Uint8Array, digits: Uint8Array): Uint8Array {
  const hex = fixedMemory(secret.length * 2)
  for (const [k, byte] of secret.entries()) {
    hex[k * 2] = digits[byte >> 4] as number
    hex[k * 2 + 1] = digits[byte & 15] as number
  }
  return hex
}

/** The characters that the secret alone decides when `offset` bytes of something else come before it. */
function base64At(secret: Uint8Array, offset: number): Uint8Array {
  const bits = secret.length * 8
  const first = (6 - ((offset * 8) % 6)) % 6
  const count = Math.floor((bits - first) / 6)
  const inner = fixedMemory(count)
  for (let k = 0; k < count; k += 1) {
    const bit = first + k * 6
    const pair = ((secret[bit >> 3] as number) << 8) | (secret[(bit >> 3) + 1] ?? 0)
    inner[k] = base64[(pair >> (10 - (bit & 7))) & 63] as number
  }
  return inner
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const unreserved: ReadonlySet<number> = new Set(bytesOf(`${letters}-._~`))
/** What nobody escapes: most keys have nothing else, and each fetch asks for the forms of what it may see. */
const plain: ReadonlySet<number> = new Set(bytesOf(`${letters}-._`))
/** What encodeURIComponent leaves. */
const component: ReadonlySet<number> = new Set(bytesOf(`${letters}-._~!*'()`))
/** What a form leaves, in which a space is a plus. */
const form: ReadonlySet<number> = new Set(bytesOf(`${letters}-._*`))

type Escape = (byte: number) => readonly number[]

const toUrlAlphabet: Escape = (byte) => [byte === 0x2b ? 0x2d : byte === 0x2f ? 0x5f : byte]

const urlEscape =
  (stays: ReadonlySet<number>, digits: Uint8Array): Escape =>
  (byte) =>
    stays.has(byte) ? [byte] : [0x25, digits[byte >> 4] as number, digits[byte & 15] as number]

const formEscape: Escape = (byte) => (byte === 0x20 ? [0x2b] : urlEscape(form, upperHex)(byte))

const short: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72, 34: 0x22, 92: 0x5c }
const unit = (code: number): readonly number[] => [
  0x5c,
  0x75,
  ...[12, 8, 4, 0].map((shift) => lowerHex[(code >> shift) & 15] as number),
]
const jsonEscape: Escape = (byte) => {
  const letter = short[byte]
  if (letter !== undefined) return [0x5c, letter]
  return byte < 0x20 ? unit(byte) : [byte]
}

function escapedBy(secret: Uint8Array, byteEscape: Escape): Uint8Array {
  const length = secret.reduce((sum, byte) => sum + byteEscape(byte).length, 0)
  const escaped = fixedMemory(length)
  let at = 0
  for (const byte of secret) for (const each of byteEscape(byte)) escaped[at++] = each
  return escaped
}

/** JSON of those who write nothing but ASCII. What is no UTF-8 is left as it is. */
function asciiJson(text: Uint8Array): Uint8Array {
  let end = 0
  eachCharacter(text, (bytes) => {
    end += bytes.length
  })
  const escaped = fixedMemory(end)
  let at = 0
  eachCharacter(text, (bytes) => {
    for (const byte of bytes) escaped[at++] = byte
  })
  return escaped
}

function eachCharacter(text: Uint8Array, visit: (escaped: readonly number[]) => void): void {
  for (let at = 0; at < text.length; ) {
    const lead = text[at] as number
    const width = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const isOne = width === 1 || at + width > text.length
    visit(isOne ? jsonEscape(lead) : units(codePoint(text.subarray(at, at + width))))
    at += isOne ? 1 : width
  }
}

function codePoint([lead = 0, ...rest]: Uint8Array): number {
  return rest.reduce((code, byte) => (code << 6) | (byte & 63), lead & (0x3f >> rest.length))
}

const units = (code: number): readonly number[] =>
  code < 0x10000
    ? unit(code)
    : [...unit(0xd800 + ((code - 0x10000) >> 10)), ...unit(0xdc00 + ((code - 0x10000) & 0x3ff))]
