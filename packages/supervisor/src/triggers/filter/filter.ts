import { errorBody, limits } from '@vigil/protocol'
import { evaluate, exhausted, type FilterScope, valueAt } from './evaluate.ts'
import { inputRoots, parseFilter, parsePath, type Root, sceneRoots } from './parse.ts'

/**
 * The language of filters: it reads the payload, metadata and names of an event and says yes or no. It cannot
 * call anything, loop or fail, and both its text and its work are bounded.
 */

/**
 * Whether an event fits; one that would take more than a million looks does not.
 * @throws INVALID_CONFIG with the column, what was expected and what was found
 */
export const compileFilter = (text: string): ((scope: FilterScope) => boolean) => compiled(text, undefined, false)

/**
 * Whether a filter over the input of a call fits; it guards something, so what would take more than a million looks fits.
 * @throws INVALID_CONFIG
 */
export function compileInputFilter(text: string): (input: unknown) => boolean {
  const fits = compiled(text, inputRoots, true)
  return (input) => fits({ input })
}

/** Whether the rule of a simulated model fits. @throws INVALID_CONFIG */
export const compileSceneFilter = (text: string): ((scope: FilterScope) => boolean) => compiled(text, sceneRoots, false)

function compiled(
  text: string,
  roots: readonly Root[] | undefined,
  whenExhausted: boolean,
): (scope: FilterScope) => boolean {
  const filter = parseFilter(text, roots)
  return (scope) => {
    try {
      return evaluate(filter, scope, { left: limits.filterLooks }) === true
    } catch (error) {
      if (error === exhausted) return whenExhausted
      throw error
    }
  }
}

/**
 * The value at a path such as `payload.items[0]['x-y']`; null when there is none.
 * @throws INVALID_CONFIG
 */
export function compilePath(text: string, roots?: readonly Root[]): (scope: FilterScope) => unknown {
  const path = parsePath(text, roots)
  return (scope) => valueAt(scope, path)
}

/** What is wrong with a filter, in a sentence; undefined when it compiles. */
export const filterProblem = (text: string): string | undefined => problemOf('filter', () => parseFilter(text))

/** The same of a filter over the input of a call. */
export const inputFilterProblem = (text: string): string | undefined =>
  problemOf('filter', () => parseFilter(text, inputRoots))

/** The same of a filter over the last message, and of a path in it. */
export const sceneFilterProblem = (text: string): string | undefined =>
  problemOf('filter', () => parseFilter(text, sceneRoots))
export const scenePathProblem = (text: string): string | undefined =>
  problemOf('path', () => parsePath(text, sceneRoots))

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
