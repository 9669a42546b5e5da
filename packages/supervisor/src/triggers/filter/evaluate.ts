import { limits } from '@vigil/protocol'
import type { Comparison, Expression, Root } from './parse.ts'

/** What a filter sees: an event, and nothing around it. */
export type FilterScope = { readonly [R in Root]?: unknown }

/** What is left of an evaluation's work, in characters and members that are looked at. */
export interface Work {
  left: number
}

/** Thrown past a filter that would look at more than its share, and caught by its caller. */
export const exhausted = Symbol('a filter looked at too much')

/**
 * The value of an expression. Nothing is converted: what has another type than a comparison asks for makes it
 * false, and what is missing is null.
 */
export function evaluate(expression: Expression, scope: FilterScope, work: Work): unknown {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'list':
      return expression.items.map((item) => evaluate(item, scope, work))
    case 'path':
      return valueAt(scope, expression)
    case 'not':
      return evaluate(expression.of, scope, work) !== true
    case 'and':
      return expression.items.every((item) => evaluate(item, scope, work) === true)
    case 'or':
      return expression.items.some((item) => evaluate(item, scope, work) === true)
    case 'call':
      return call(expression.name, evaluate(expression.of, scope, work), work)
    case 'compare':
      return compare(
        expression.by,
        evaluate(expression.left, scope, work),
        evaluate(expression.right, scope, work),
        work,
      )
  }
}

/** Own data of plain JSON only: a prototype or a getter is never reached. */
export function valueAt(scope: FilterScope, { root, keys }: Expression & { kind: 'path' }): unknown {
  let value = own(scope, root)
  for (const key of keys) value = typeof key === 'number' && !Array.isArray(value) ? null : own(value, key)
  return value
}

function own(holder: unknown, key: string | number): unknown {
  if (typeof holder !== 'object' || holder === null) return null
  // A list has members and no names, not even `length`.
  if (Array.isArray(holder) && typeof key !== 'number') return null
  return Object.getOwnPropertyDescriptor(holder, key)?.value ?? null
}

function call(name: 'len' | 'lower', value: unknown, work: Work): unknown {
  if (typeof value === 'string') {
    if (name === 'len') return value.length
    spend(work, value.length)
    return value.toLowerCase()
  }
  if (name === 'lower' || typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) return value.length
  const { length } = Object.keys(value)
  spend(work, length)
  return length
}

function compare(by: Comparison, left: unknown, right: unknown, work: Work): boolean {
  spend(work, 1)
  switch (by) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case 'in':
      return isIn(left, right, work)
    case 'starts_with':
      return typeof left === 'string' && typeof right === 'string' && left.startsWith(right)
    default:
      return inOrder(by, left, right)
  }
}

/** Lists and maps are equal to nothing: comparing them deeply would have no bound, by identity no sense. */
const equal = (left: unknown, right: unknown): boolean => left === right && (typeof left !== 'object' || left === null)

function inOrder(by: '<' | '<=' | '>' | '>=', left: unknown, right: unknown): boolean {
  const comparable =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!comparable) return false
  if (by === '<') return left < right
  if (by === '<=') return left <= right
  return by === '>' ? left > right : left >= right
}

function isIn(member: unknown, whole: unknown, work: Work): boolean {
  if (Array.isArray(whole)) {
    spend(work, whole.length)
    return whole.some((each) => equal(each, member))
  }
  if (typeof member !== 'string') return false
  if (typeof whole === 'string') {
    // The platform's search takes the product of both lengths at worst (67 s for 400,000 in a million); up to 256 it does not.
    if (member.length > limits.filterSearchChars) return false
    spend(work, whole.length)
    return whole.includes(member)
  }
  return typeof whole === 'object' && whole !== null && Object.hasOwn(whole, member)
}

function spend(work: Work, amount: number): void {
  work.left -= amount
  if (work.left < 0) throw exhausted
}
