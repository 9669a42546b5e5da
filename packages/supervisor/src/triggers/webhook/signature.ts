import { createHmac, timingSafeEqual } from 'node:crypto'

/** What every scheme is made of: bytes that were signed, a code over them, and a time that may not be old. */
export interface Signed {
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As it came: a body that was parsed and written again has another signature. */
  readonly body: Uint8Array
  readonly nowMs: number
}

export type Verdict = 'good' | 'unsigned' | 'stale' | 'wrong'

/** Both ways: clocks of senders run ahead as well. */
const toleranceMs = 300_000

/** HMAC-SHA256 over texts and bytes, one after the other. */
export function codeOf(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

const shapes = { hex: /^[0-9a-f]{64}$/i, base64: /^[A-Za-z0-9+/]{43}=$/ } as const

/** Constant time for all texts that look like a signature; what does not look like one tells nothing of the key. */
export function isCode(code: Uint8Array, text: string, encoding: 'hex' | 'base64'): boolean {
  return shapes[encoding].test(text) && timingSafeEqual(code, Buffer.from(text, encoding))
}

/** Of unix seconds as a text. */
export function isFresh(seconds: string, nowMs: number): boolean {
  return /^\d{1,11}$/.test(seconds) && Math.abs(nowMs - Number(seconds) * 1_000) <= toleranceMs
}

/** The verdict of a scheme that signs its time: who cannot sign is not told whether it was late. */
export function verdict({ signed, fresh }: { readonly signed: boolean; readonly fresh: boolean }): Verdict {
  if (!signed) return 'wrong'
  return fresh ? 'good' : 'stale'
}
