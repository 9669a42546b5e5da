import { errorBody, limits } from '@vigil/protocol'
import { evaluate, exhausted, type FilterScope, valueAt } from './evaluate.ts'
import { parseFilter, parsePath } from './parse.ts'

/**
 * The language of filters: it reads the payload, metadata and names of an event and says yes or no. It cannot
 * call anything, loop or fail, and both its text and its work are bounded.
 */

/**
 * Whether an event fits; one that would take more than a million looks does not.
 * @throws INVALID_CONFIG with the column, what was expected and what was found
 */
export function compileFilter(text: string): (scope: FilterScope) => boolean {
  const filter = parseFilter(text)
  return (scope) => {
    try {
      return evaluate(filter, scope, { left: limits.filterLooks }) === true
    } catch (error) {
      if (error === exhausted) return false
      throw error
    }
  }
}

/**
 * The value at a path such as `payload.items[0]['x-y']`; null when there is none.
 * @throws INVALID_CONFIG
 */
export function compilePath(text: string): (scope: FilterScope) => unknown {
  const path = parsePath(text)
  return (scope) => valueAt(scope, path)
}

/** What is wrong with a filter, in a sentence; undefined when it compiles. */
export const filterProblem = (text: string): string | undefined => problemOf('filter', () => parseFilter(text))

/** The same of a path. */
export const pathProblem = (text: string): string | undefined => problemOf('path', () => parsePath(text))

function problemOf(what: string, parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    return `${what}, ${errorBody(error).message}`
  }
}
