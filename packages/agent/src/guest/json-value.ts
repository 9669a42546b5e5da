/**
 * What may leave a guest: JSON. JSON.stringify drops functions without a word and an author would find out after a
 * crash, so whatever it would lose or refuse is refused here, with the place.
 */
export function jsonText(value: unknown, what: string): string {
  try {
    return JSON.stringify(value ?? null, refuse)
  } catch (error) {
    throw Object.assign(new Error(`${what} must be JSON: ${(error as Error).message.split('\n')[0]}`), {
      code: 'INVALID_ARGUMENT',
      retryable: false,
      help: 'Return and pass plain data: objects, arrays, strings, finite numbers, booleans, null.',
    })
  }
}

/** A copy of the value as it is after a trip through JSON. */
export const jsonCopy = (value: unknown, what: string): unknown => JSON.parse(jsonText(value, what))

/** The value if it is JSON, else undefined: for what is only told, never kept. */
export function asJson(value: unknown): unknown {
  try {
    return jsonCopy(value, 'a value')
  } catch {
    return undefined
  }
}

function refuse(key: string, value: unknown): unknown {
  const kind = typeof value
  if (kind !== 'function' && kind !== 'symbol' && kind !== 'bigint') return value
  throw new Error(`found a ${kind}${key === '' ? '' : ` at "${key}"`}`)
}
