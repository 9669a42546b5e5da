import { codedError } from './coded-error.ts'

/**
 * What may leave a guest: JSON. JSON.stringify drops functions without a word, and an author would find out after a
 * crash; so what it would lose or refuse is refused here, with the place. `undefined` counts as null.
 */
export function jsonText(value: unknown, what: string): string {
  try {
    return JSON.stringify(value ?? null, refuse) ?? 'null'
  } catch (error) {
    const [reason] = (error as Error).message.split('\n')
    throw codedError({ code: 'INVALID_ARGUMENT', message: `${what} is no JSON: ${reason}` })
  }
}

/** A copy of the value as it is after a trip through JSON. */
export const jsonCopy = (value: unknown, what: string): unknown => JSON.parse(jsonText(value, what))

/** What JSON drops, refuses or writes as `{}`; a Promise is there because somebody forgot to await it. */
const lost = new Set(
  'function symbol bigint Map Set WeakMap WeakSet Promise Error RegExp ArrayBuffer SharedArrayBuffer'.split(' '),
)

function refuse(key: string, value: unknown): unknown {
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
  if (!lost.has(kind) && !ArrayBuffer.isView(value)) return value
  throw new Error(`found a ${kind}${key === '' ? '' : ` at "${key}"`}`)
}
