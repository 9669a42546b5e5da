import { limits } from '@vigil/protocol'
import { filterError, type Token, tokensOf } from './tokens.ts'

/** A filter as a tree. `contains` is `in` with its sides changed. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'path'; readonly root: Root; readonly keys: readonly (string | number)[] }
  | { readonly kind: 'call'; readonly name: 'len' | 'lower'; readonly of: Expression }
  | { readonly kind: 'compare'; readonly by: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Expression[] }
export type Root = (typeof eventRoots)[number] | (typeof inputRoots)[number] | (typeof sceneRoots)[number]
export type Comparison = (typeof signs)[number] | 'in' | 'starts_with'

const eventRoots = ['payload', 'metadata', 'type', 'event_id', 'trigger_id', 'timestamp'] as const
export const inputRoots = ['input'] as const
/** What the rules of a simulated model see. */
export const sceneRoots = [
  ...(['role', 'text', 'tool', 'result', 'results', 'called', 'step', 'purpose'] as const),
  ...(['payload', 'metadata'] as const),
] as const
const signs = ['==', '!=', '<', '<=', '>', '>='] as const
const constants: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** As people say it: a, b or c. */
const listed = (words: readonly string[]): string =>
  words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** @throws INVALID_CONFIG */
export const parseFilter = (source: string, roots: readonly Root[] = eventRoots): Expression =>
  new Parser(tokensOf(source), roots).filter()

/** @throws INVALID_CONFIG */
export const parsePath = (source: string, roots: readonly Root[] = eventRoots): Expression & { kind: 'path' } =>
  new Parser(tokensOf(source), roots).wholePath()

const oneOf = <Words extends readonly string[]>(words: Words, word: string): Words[number] | undefined =>
  words.find((each) => each === word)

/** Recursive descent; how deep it may go is counted, so that no text can exhaust the stack, here or where it is evaluated. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #roots: readonly Root[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], roots: readonly Root[]) {
    this.#tokens = tokens
    this.#roots = roots
  }

  filter(): Expression {
    const { column } = this.#token
    const filter = trueOrFalse({ column, found: this.#condition() })
    this.#end('and, or or the end')
    return filter
  }

  wholePath(): Expression & { kind: 'path' } {
    const path = this.#path(this.#next())
    this.#end('. or [ or the end')
    return path
  }

  #condition(): Expression {
    return this.#deeper(() => this.#chain('or', '||', () => this.#chain('and', '&&', () => this.#negation())))
  }

  #chain(kind: 'and' | 'or', sign: string, part: () => Expression): Expression {
    const items: Place[] = []
    do items.push({ column: this.#token.column, found: part() })
    while (this.#takes(kind, sign))
    return items.length === 1 ? (items[0] as Place).found : { kind, items: items.map(trueOrFalse) }
  }

  #negation(): Expression {
    if (!this.#takes('not', '!')) return this.#comparison()
    const { column } = this.#token
    return this.#deeper(() => ({ kind: 'not', of: trueOrFalse({ column, found: this.#negation() }) }))
  }

  #comparison(): Expression {
    const left = this.#place()
    const { source } = this.#token
    const by = oneOf(signs, source) ?? oneOf(['in', 'contains', 'starts_with', 'not'] as const, source)
    if (by === undefined) return this.#noList(left)
    this.#next()
    if (by === 'not') {
      this.#expect('in')
      return { kind: 'not', of: compare('in', this.#noList(left), this.#place().found) }
    }
    const right = this.#place()
    if (by === 'in') return compare('in', this.#noList(left), right.found)
    if (by === 'contains') return compare('in', this.#noList(right), left.found)
    return compare(by, this.#noList(left), this.#noList(right))
  }

  /** Lists are only looked into: nothing is ever equal to one. */
  #noList({ found, column }: Place): Expression {
    if (found.kind === 'list') throw filterError(column, 'a list only behind `in` or before `contains`', 'a list')
    return found
  }

  #place(): Place {
    const { column } = this.#token
    return { column, found: this.#operand(this.#next()) }
  }

  #operand(token: Token): Expression {
    if (token.value !== undefined) return { kind: 'literal', value: token.value }
    if (token.source === '(') return this.#closed(')', () => this.#condition())
    if (token.source === '[') return { kind: 'list', items: this.#list() }
    const constant = constants.get(token.source)
    if (constant !== undefined) return { kind: 'literal', value: constant }
    if (this.#token.source === '(') return this.#call(token)
    return this.#path(token)
  }

  #list(): Expression[] {
    const items: Expression[] = []
    if (this.#takes(']')) return items
    do items.push(this.#deeper(() => this.#noList(this.#place())))
    while (this.#takes(','))
    this.#expect(']')
    return items
  }

  #call(name: Token): Expression {
    const called = oneOf(['len', 'lower', 'contains', 'starts_with'] as const, name.source)
    if (called === undefined) throw filterError(name.column, 'len, lower, contains or starts_with', name.source)
    this.#next()
    return this.#closed(')', () => {
      const first = this.#deeper(() => this.#place())
      if (called === 'len' || called === 'lower') return { kind: 'call', name: called, of: this.#noList(first) }
      this.#expect(',')
      const second = this.#noList(this.#deeper(() => this.#place()))
      return called === 'contains'
        ? compare('in', second, first.found)
        : compare('starts_with', this.#noList(first), second)
    })
  }

  #path(token: Token): Expression & { kind: 'path' } {
    const root = oneOf(this.#roots, token.source)
    if (root === undefined || token.kind !== 'name')
      throw filterError(token.column, `a value, or a path that begins with ${listed(this.#roots)}`, token.source)
    const keys: (string | number)[] = []
    for (;;) {
      if (this.#takes('.')) keys.push(this.#name())
      else if (this.#takes('[')) keys.push(this.#closed(']', () => this.#key()))
      else return { kind: 'path', root, keys }
    }
  }

  #name(): string {
    const token = this.#next()
    if (token.kind !== 'name') throw filterError(token.column, "a name (others are written ['x-y'])", token.source)
    return token.source
  }

  #key(): string | number {
    const { kind, value, source, column } = this.#next()
    const isKey = kind === 'text' || (kind === 'number' && Number.isSafeInteger(value) && (value as number) >= 0)
    if (!isKey) throw filterError(column, "a place such as [0] or a name such as ['x-y']", source)
    return value as string | number
  }

  #closed<T>(sign: string, inner: () => T): T {
    const found = inner()
    this.#expect(sign)
    return found
  }

  #deeper<T>(inner: () => T): T {
    this.#depth += 1
    if (this.#depth > limits.filterDepth)
      throw filterError(this.#token.column, `at most ${limits.filterDepth} levels`, 'one more')
    const found = inner()
    this.#depth -= 1
    return found
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token
  }

  /** The end is never passed. */
  #next(): Token {
    const token = this.#token
    if (token.kind !== 'end') this.#at += 1
    return token
  }

  #takes(...words: readonly string[]): boolean {
    const { kind, source } = this.#token
    const taken = (kind === 'sign' || kind === 'name') && words.includes(source)
    if (taken) this.#at += 1
    return taken
  }

  #expect(word: string): void {
    if (!this.#takes(word)) throw filterError(this.#token.column, word, this.#token.source)
  }

  #end(expected: string): void {
    if (this.#token.kind !== 'end') throw filterError(this.#token.column, expected, this.#token.source)
  }
}

interface Place {
  readonly found: Expression
  readonly column: number
}

const compare = (by: Comparison, left: Expression, right: Expression): Expression => ({
  kind: 'compare',
  by,
  left,
  right,
})

/** What never is true or false is a mistake of its author, and told before it costs an event. */
function trueOrFalse({ found, column }: Place): Expression {
  if (found.kind === 'literal' && typeof found.value !== 'boolean')
    throw filterError(column, 'a comparison or a path', JSON.stringify(found.value))
  if (found.kind === 'call') throw filterError(column, 'a comparison or a path', `${found.name}(…) alone`)
  return found
}
