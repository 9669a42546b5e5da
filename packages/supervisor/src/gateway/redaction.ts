import type { BrokeredSecret } from '@vigil/protocol'
import { isLive, secretBytes } from '../vault/secret-page.ts'

/** A shorter one is found in innocent texts. */
const shortest = 8

export interface Redaction {
  bytes(body: Uint8Array): Uint8Array
  text(text: string): string
  /** Zeroes the forms that it looked for. */
  end(): void
}

/**
 * Puts names in the place of secrets that come back: as they are, in base64 at each of the three offsets (also the URL's alphabet), in hex, escaped
 * for a URL and escaped for JSON. A program that knows a secret can always write it in a form of its own.
 */
export function redaction(secrets: readonly BrokeredSecret[]): Redaction {
  const looked = secrets
    .filter(({ page }) => isLive(page) && secretBytes(page).byteLength >= shortest)
    .map(({ name, page }) => ({ mark: Buffer.from(`[secret ${name}]`), forms: formsOf(secretBytes(page)) }))

  /** Undefined: there was nothing to replace. */
  const cleaned = (body: Buffer): Buffer | undefined => {
    let clean = body
    for (const { mark, forms } of looked) for (const form of forms) clean = replaced(clean, form, mark)
    return clean === body ? undefined : clean
  }
  return {
    bytes(body) {
      const clean = cleaned(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
      return clean === undefined ? body : new Uint8Array(clean)
    },
    text: (text) => cleaned(Buffer.from(text))?.toString() ?? text,
    end() {
      for (const { forms } of looked) for (const form of forms) form.fill(0)
    },
  }
}

function replaced(body: Buffer, form: Buffer, mark: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let at = body.indexOf(form); at !== -1; at = body.indexOf(form, from)) {
    parts.push(body.subarray(from, at), mark)
    from = at + form.length
  }
  return from === 0 ? body : Buffer.concat([...parts, body.subarray(from)])
}

function formsOf(shared: Uint8Array): Buffer[] {
  const secret = Buffer.allocUnsafeSlow(shared.byteLength)
  secret.set(shared)
  const forms = [secret, hexOf(secret, lowerHex), hexOf(secret, upperHex)]
  for (const offset of [0, 1, 2]) {
    const inner = base64At(secret, offset)
    forms.push(inner, inner.map(toUrlAlphabet) as Buffer)
  }
  forms.push(
    escapedBy(secret, urlEscape(isUnreserved)),
    escapedBy(secret, urlEscape(isComponent)),
    escapedBy(secret, jsonEscape),
  )
  return forms.filter((form, k) => forms.findIndex((other) => other.equals(form)) === k)
}

const lowerHex = Buffer.from('0123456789abcdef')
const upperHex = Buffer.from('0123456789ABCDEF')
const base64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

function hexOf(secret: Buffer, digits: Buffer): Buffer {
  const hex = Buffer.allocUnsafeSlow(secret.length * 2)
  for (const [k, byte] of secret.entries()) hex.set([digits[byte >> 4] as number, digits[byte & 15] as number], k * 2)
  return hex
}

/** The characters that the secret alone decides when `offset` bytes of something else come before it. */
function base64At(secret: Buffer, offset: number): Buffer {
  const bits = secret.length * 8
  const first = (6 - ((offset * 8) % 6)) % 6
  const count = Math.floor((bits - first) / 6)
  const inner = Buffer.allocUnsafeSlow(count)
  for (let k = 0; k < count; k += 1) {
    const bit = first + k * 6
    const pair = ((secret[bit >> 3] as number) << 8) | (secret[(bit >> 3) + 1] ?? 0)
    inner[k] = base64[(pair >> (10 - (bit & 7))) & 63] as number
  }
  return inner
}

const toUrlAlphabet = (byte: number): number => (byte === 0x2b ? 0x2d : byte === 0x2f ? 0x5f : byte)

const isUnreserved = (byte: number): boolean => /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))
/** What encodeURIComponent leaves. */
const isComponent = (byte: number): boolean => isUnreserved(byte) || "!*'()".includes(String.fromCharCode(byte))
const urlEscape =
  (stays: (byte: number) => boolean) =>
  (byte: number): readonly number[] =>
    stays(byte) ? [byte] : [0x25, upperHex[byte >> 4] as number, upperHex[byte & 15] as number]

const short: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
}
const jsonEscape = (byte: number): readonly number[] => {
  const text = short[byte] ?? (byte < 0x20 ? `\\u00${byte.toString(16).padStart(2, '0')}` : undefined)
  return text === undefined ? [byte] : [...Buffer.from(text)]
}

function escapedBy(secret: Buffer, escapeOf: (byte: number) => readonly number[]): Buffer {
  const length = secret.reduce((sum, byte) => sum + escapeOf(byte).length, 0)
  const form = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const byte of secret) for (const each of escapeOf(byte)) form[at++] = each
  return form
}
