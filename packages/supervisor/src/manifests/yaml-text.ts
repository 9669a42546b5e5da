import type { ManifestProblem } from '@vigil/protocol'
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { type Environment, isReference, resolveEnvironment } from './environment.ts'
import { placeOf } from './positions.ts'
import type { PlacedProblem } from './problem-report.ts'
import { quotedLine } from './yaml-trap.ts'

export interface ReadOptions {
  /** As the user named it: shown in messages; its folder is what relative paths stand on. */
  readonly file: string
  readonly env: Environment
  /** Where a reference stays one, because what it stands for may not be on record. */
  readonly keeps?: (path: readonly (string | number)[]) => boolean
}

/** What a check makes of the raw document. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] }

/** `warnings` are unset variables: they stop a start, not a check. */
export interface Reading<T> {
  readonly value?: T
  readonly problems: readonly PlacedProblem[]
  readonly warnings: readonly PlacedProblem[]
}

/** Reads a text of YAML with variables in it; each problem of syntax and of the check keeps its place in the file. */
export function readYaml<T>(
  text: string,
  { file, env, keeps }: ReadOptions,
  check: (raw: unknown) => Checked<T>,
): Reading<T> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const source = text.split('\n')
  const hintAt = (line: number) => quotedLine(source[line - 1] ?? '')
  if (document.errors.length > 0) {
    return { problems: document.errors.map((error) => syntaxProblem(file, error, lines, hintAt)), warnings: [] }
  }
  const place = (problem: ManifestProblem): PlacedProblem => {
    const at = placeOf(document, lines, problem.path, problem.code === 'UNKNOWN_FIELD' ? 'key' : 'value')
    const isText = problem.code !== 'UNKNOWN_FIELD' && /found (nothing|a map|a list)$/.test(problem.message)
    const hint = (isText ? hintAt(at.line) : undefined) ?? problem.hint
    return { ...problem, file, path: problem.path.join('.'), ...at, ...(hint === undefined ? {} : { hint }) }
  }
  const unset = substitute(document, env, keeps)
  const checked = check(document.toJS())
  // What the check says about a text whose variable is unset is about the placeholder: the warning is enough.
  const excused = new Set(unset.map((problem) => problem.path.join('.')))
  const found = checked.ok ? [] : checked.problems
  const problems = found.filter((problem) => !excused.has(problem.path.join('.'))).map(place)
  return { ...(checked.ok ? { value: checked.value } : {}), problems: inOrder(problems), warnings: unset.map(place) }
}

const inOrder = (problems: readonly PlacedProblem[]): PlacedProblem[] =>
  problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))

function syntaxProblem(
  file: string,
  error: { readonly message: string; readonly pos: readonly [number, number] },
  lines: LineCounter,
  hintAt: (line: number) => string | undefined,
): PlacedProblem {
  const { line, col } = lines.linePos(error.pos[0])
  const hint = hintAt(line)
  const message = `expected YAML, found: ${error.message.split('\n')[0]}`
  return { code: 'INVALID_CONFIG', file, path: '', line, column: col, message, ...(hint === undefined ? {} : { hint }) }
}

/** Puts variables into every text value of the document, in place; returns what is unset. */
function substitute(document: Document, env: Environment, keeps: ReadOptions['keeps']): ManifestProblem[] {
  const unset: ManifestProblem[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return
      const resolved = resolveEnvironment(node.value, env)
      const path = pathOf([...ancestors, node])
      for (const name of resolved.missing) {
        const message = `expected the variable ${name}, found it unset`
        unset.push({
          code: 'ENV_MISSING',
          path,
          message,
          hint: `set it, or write \${${name}:-default}`,
        })
      }
      if (keeps?.(path) === true) return
      const unquoted = node.type === 'PLAIN' && isReference(node.value)
      node.value = unquoted ? typed(resolved.text) : resolved.text
    },
  })
  return unset
}

/** An unquoted reference stands for a number or a flag when its value reads like one. */
function typed(text: string): string | number | boolean {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return text === 'true' || text === 'false' ? text === 'true' : text
}

function pathOf(chain: readonly unknown[]): (string | number)[] {
  const path: (string | number)[] = []
  for (const [index, node] of chain.entries()) {
    const items = (node as { items?: unknown[] }).items
    const key = (node as { key?: unknown }).key
    if (key !== undefined) path.push(String(isScalar(key) ? key.value : key))
    else if (items !== undefined) {
      const position = items.indexOf(chain[index + 1])
      // The children of a map are its pairs, and a pair names itself by its key.
      if ((chain[index + 1] as { key?: unknown } | undefined)?.key === undefined) path.push(position)
    }
  }
  return path
}
