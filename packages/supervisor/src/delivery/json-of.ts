import { VigilError } from '@vigil/protocol'

/**
 * What a program gives, as its record will say it: a copy, so that what the program does with its objects afterwards does
 * not change what has been recorded.
 * @throws INVALID_ARGUMENT for what has no JSON
 */
export function jsonOf<T>(value: T): T {
  try {
    return JSON.parse(JSON.stringify(value))
  } catch (error) {
    throw new VigilError('INVALID_ARGUMENT', `expected JSON, found: ${(error as Error).message}`, { cause: error })
  }
}
