import { dirname, resolve } from 'node:path'
import { checkManifest, type ManifestDocument, type ManifestProblem } from '@vigil/protocol'
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { effectiveManifest } from './effective.ts'
import { type Environment, isReference, resolveEnvironment } from './environment.ts'
import type { Manifest } from './manifest.ts'
import { placeOf } from './positions.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import { patternProblem } from './schedule.ts'
import { quotedLine } from './yaml-trap.ts'

/** Reads the text of one manifest: YAML, variables, schema, schedules; each problem keeps its place in the file. */
export interface ParseOptions {
  /** As the user named it: shown in messages; its folder is what relative paths stand on. */
  readonly file: string
  readonly env: Environment
}

/** What reading found. `warnings` are unset variables: they stop a start, not a check. */
export interface ManifestReading {
  readonly manifest?: Manifest
  readonly problems: readonly PlacedProblem[]
  readonly warnings: readonly PlacedProblem[]
}

/**
 * The effective manifest of a text.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING with every problem in `details`
 */
export function parseManifestText(text: string, options: ParseOptions): Manifest {
  const { manifest, problems, warnings } = readManifestText(text, options)
  const all = [...problems, ...warnings]
  if (manifest === undefined || all.length > 0) throw manifestError(all)
  return manifest
}

/** The same without throwing, for those who check many files. */
export function readManifestText(text: string, { file, env }: ParseOptions): ManifestReading {
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
  const unset = substitute(document, env)
  const raw: unknown = document.toJS()
  const check = checkManifest(raw)
  // What the schema says about a text whose variable is unset is about the placeholder: the warning is enough.
  const excused = new Set(unset.map((problem) => problem.path.join('.')))
  const found = check.ok ? patternProblems(check.manifest, raw) : check.problems
  const problems = found.filter((problem) => !excused.has(problem.path.join('.'))).map(place)
  return {
    ...(check.ok && problems.length === 0
      ? { manifest: effectiveManifest(check.manifest, dirname(resolve(file))) }
      : {}),
    problems: inOrder(problems),
    warnings: unset.map(place),
  }
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
function substitute(document: Document, env: Environment): ManifestProblem[] {
  const unset: ManifestProblem[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return
      const resolved = resolveEnvironment(node.value, env)
      for (const name of resolved.missing) {
        const message = `expected the variable ${name}, found it unset`
        unset.push({
          code: 'ENV_MISSING',
          path: pathOf([...ancestors, node]),
          message,
          hint: `set it, or write \${${name}:-default}`,
        })
      }
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

function patternProblems(manifest: ManifestDocument, raw: unknown): ManifestProblem[] {
  const written = (raw as { triggers?: readonly object[] }).triggers ?? []
  return manifest.triggers.flatMap((trigger, index) => {
    const problem = patternProblem(trigger)
    if (problem === undefined) return []
    const short = shortField[problem.field] ?? problem.field
    const field = short in (written[index] ?? {}) ? short : problem.field
    return [{ code: 'INVALID_CONFIG' as const, path: ['triggers', index, field], message: problem.message }]
  })
}

/** How the short form of a trigger calls the field. */
const shortField: Readonly<Record<string, string>> = { cron_expression: 'cron', event_type: 'event' }
