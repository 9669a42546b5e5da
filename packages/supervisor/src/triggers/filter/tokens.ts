import { limits, VigilError } from '@vigil/protocol'

/** `sign` is an operator or bracket; `text` and `number` are literals, `value` what they mean. */
export interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign' | 'end'
  /** As it was written. */
  readonly source: string
  readonly value?: string | number
  /** From 1. */
  readonly column: number
}

/** Longest first: `<=` is not `<` and something unknown. */
const shapes: readonly (readonly [Token['kind'], RegExp])[] = [
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['text', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy],
  ['sign', /==|!=|<=|>=|&&|\|\||[<>!()[\].,]/y],
]
const space = /\s*/y

/** @throws INVALID_CONFIG at the first thing that is no word of the language */
export function tokensOf(source: string): Token[] {
  if (source.length > limits.filterChars)
    throw filterError(limits.filterChars, `at most ${limits.filterChars} characters`, `${source.length}`)
  const tokens: Token[] = []
  for (let at = skipSpace(source, 0); at < source.length; ) {
    const token = tokenAt(source, at)
    tokens.push(token)
    at = skipSpace(source, at + token.source.length)
  }
  return [...tokens, { kind: 'end', source: '', column: source.length + 1 }]
}

function tokenAt(source: string, at: number): Token {
  const column = at + 1
  for (const [kind, shape] of shapes) {
    shape.lastIndex = at
    const word = shape.exec(source)?.[0]
    if (word === undefined) continue
    if (kind === 'text') return { kind, source: word, value: unquoted(word, column), column }
    return { kind, source: word, column, ...(kind === 'number' ? { value: numberOf(word, column) } : {}) }
  }
  const found = source[at] as string
  if (found === "'" || found === '"') throw filterError(column, `a text that ends with ${found}`, 'no end of it')
  throw filterError(column, expectedInsteadOf(found), found)
}

/** The likely fix for what other languages would take. */
function expectedInsteadOf(found: string): string {
  if (found === '=') return '=='
  if (found === '&') return 'and or &&'
  if (found === '|') return 'or or ||'
  return "a path, a value or an operator (a name with other characters is written payload['x-y'])"
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

function unquoted(word: string, column: number): string {
  return word.slice(1, -1).replaceAll(/\\(.)/gs, (written, letter: string, offset: number) => {
    const meant = escapes[letter]
    if (meant === undefined) throw filterError(column + 1 + offset, 'one of \\n \\t \\r \\\\ \\\' \\"', written)
    return meant
  })
}

function numberOf(word: string, column: number): number {
  const value = Number(word)
  if (!Number.isFinite(value)) throw filterError(column, 'a number that a double can hold', word)
  return value
}

function skipSpace(source: string, at: number): number {
  space.lastIndex = at
  return at + (space.exec(source)?.[0].length ?? 0)
}

export const filterError = (column: number, expected: string, found: string): VigilError =>
  new VigilError('INVALID_CONFIG', `column ${column}: expected ${expected}, found ${found === '' ? 'the end' : found}`)
