import type { Socket } from 'node:net'
import { type BrokeredSecret, VigilError } from '@vigil/protocol'
import { fixedMemory, isLive, secretBytes } from '../vault/secret-page.ts'

/** A header that only this thread sees: it says which swap the bytes that follow belong to. */
export const swapHeader = 'vigil-swap'

/** The secrets of one request that is under way, and how much longer they make its body. */
export interface Swap {
  readonly secrets: readonly BrokeredSecret[]
  readonly bodyGrowth: number
}

export function swapOf(known: readonly BrokeredSecret[], body: Uint8Array | undefined): Swap {
  const secrets = known.filter(({ placeholder }) => placeholder !== '')
  const bytes = Buffer.from(body ?? [])
  const bodyGrowth = secrets.reduce(
    (sum, secret) =>
      sum + countOf(bytes, secret.placeholder) * (secretBytes(secret.page).byteLength - secret.placeholder.length),
    0,
  )
  return { secrets, bodyGrowth }
}

function countOf(bytes: Buffer, placeholder: string): number {
  let count = 0
  for (let at = bytes.indexOf(placeholder); at !== -1; at = bytes.indexOf(placeholder, at + 1)) count += 1
  return count
}

/**
 * Puts secrets in the place of their placeholders on the way into the socket: no string ever holds one, and the bytes that were
 * written are zeroed when the socket has taken them. What cannot be swapped ends the connection before anything is sent.
 */
export function swapping<S extends Socket>(socket: S, swaps: ReadonlyMap<string, Swap>): S {
  const write = socket.write.bind(socket) as (chunk: unknown, encoding?: unknown, done?: unknown) => boolean
  let present: Swap | undefined
  socket.write = ((chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    try {
      if (typeof chunk === 'string' && chunk.includes(' HTTP/1.1\r\n')) {
        const id = headerOf(chunk)
        present = id === undefined ? undefined : swaps.get(id)
        if (present !== undefined) return send(headBytes(withoutHeader(chunk, present.bodyGrowth), present))
      } else if (present !== undefined && chunk instanceof Uint8Array) {
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        return send(swapped(bytes, present.secrets, (secret) => secretBytes(secret.page)))
      }
    } catch (error) {
      socket.destroy(error as Error)
      return false
    }
    return write(chunk, encoding, done)
  }) as S['write']
  return socket

  function send(bytes: Buffer): boolean {
    return write(bytes, () => bytes.fill(0))
  }
}

const headerLine = new RegExp(`^${swapHeader}: (\\d+)\r\n`, 'm')
const headerOf = (head: string): string | undefined => headerLine.exec(head)?.[1]

const withoutHeader = (head: string, growth: number): string =>
  head
    .replace(headerLine, '')
    .replace(/^content-length: (\d+)\r\n/m, (_, length: string) => `content-length: ${Number(length) + growth}\r\n`)

/** In the first line a secret is part of a URL; in the others it has to be what a header can carry. */
function headBytes(head: string, { secrets }: Swap): Buffer {
  const end = head.indexOf('\r\n')
  const made: Uint8Array[] = []
  const line = swapped(Buffer.from(head.slice(0, end), 'latin1'), secrets, ({ page }) => {
    const bytes = urlEscaped(secretBytes(page))
    made.push(bytes)
    return bytes
  })
  const rest = swapped(Buffer.from(head.slice(end), 'latin1'), secrets, (secret) => {
    const bytes = secretBytes(secret.page)
    if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return bytes
    throw new VigilError('SECRET_DENIED', `the secret ${secret.name} holds bytes that no header can carry`)
  })
  const whole = fixedMemory(line.length + rest.length)
  whole.set(line)
  whole.set(rest, line.length)
  for (const part of [line, rest, ...made]) part.fill(0)
  return whole
}

function urlEscaped(bytes: Uint8Array): Uint8Array {
  const escaped = fixedMemory(bytes.length * 3)
  let at = 0
  for (const byte of bytes) {
    if (/[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))) escaped[at++] = byte
    else at += escaped.write(`%${byte.toString(16).toUpperCase().padStart(2, '0')}`, at, 'latin1')
  }
  return escaped.subarray(0, at)
}

/** Always memory of its own. */
function swapped(
  bytes: Buffer,
  secrets: readonly BrokeredSecret[],
  bytesOf: (secret: BrokeredSecret) => Uint8Array,
): Buffer {
  const parts: { readonly from: number; readonly to: number; readonly value: Uint8Array }[] = []
  for (const secret of secrets)
    for (let at = bytes.indexOf(secret.placeholder); at !== -1; at = bytes.indexOf(secret.placeholder, at + 1)) {
      if (!isLive(secret.page))
        throw new VigilError('SECRET_DENIED', `the secret ${secret.name} was revoked before it was sent`)
      parts.push({ from: at, to: at + secret.placeholder.length, value: bytesOf(secret) })
    }
  parts.sort((a, b) => a.from - b.from)
  const growth = parts.reduce((sum, { from, to, value }) => sum + value.length - (to - from), 0)
  const target = fixedMemory(bytes.length + growth)
  let read = 0
  let written = 0
  for (const { from, to, value } of parts) {
    written += bytes.copy(target, written, read, from)
    target.set(value, written)
    written += value.length
    read = to
  }
  bytes.copy(target, written, read)
  return target
}
