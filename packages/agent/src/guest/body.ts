import { codedError } from './coded-error.ts'

/** One file that is written, one fetch body. */
const bodyBytes = 16_000_000

/** Bytes as they cross to core. Refused here: a message that is too long for the wire would end the whole cell. */
export function encodedBody(bytes: Buffer, what: string): string {
  if (bytes.length > bodyBytes) {
    const message = `${what} has ${bytes.length} bytes, at most ${bodyBytes} are taken at once`
    throw codedError({ code: 'TOO_LARGE', message, help: 'Send it in parts.' })
  }
  return bytes.toString('base64')
}
