import { type ErrorCode, VigilError } from '@vigil/protocol'

/** One thing that is wrong with a manifest, with its place. */
export interface PlacedProblem {
  readonly code: Extract<ErrorCode, 'INVALID_CONFIG' | 'UNKNOWN_FIELD' | 'MISSING_FIELD' | 'ENV_MISSING'>
  /** The file as it was named by the caller. */
  readonly file: string
  /** Dotted, from the root of the manifest. */
  readonly path: string
  /** From 1; absent for manifests that were no text. */
  readonly line?: number
  readonly column?: number
  readonly message: string
  readonly hint?: string
}

/** `file:line:column: expected X, found Y (hint)`. */
export function problemLine(problem: PlacedProblem): string {
  const place =
    problem.line === undefined
      ? `${problem.file}: ${problem.path}`
      : `${problem.file}:${problem.line}:${problem.column ?? 1}`
  return `${place}: ${problem.message}${problem.hint === undefined ? '' : ` (${problem.hint})`}`
}

/** One error for all problems; its code is theirs when they agree, else INVALID_CONFIG. */
export function manifestError(problems: readonly PlacedProblem[]): VigilError {
  const codes = new Set(problems.map((problem) => problem.code))
  const code = codes.size === 1 ? (problems[0] as PlacedProblem).code : 'INVALID_CONFIG'
  return new VigilError(code, problems.map(problemLine).join('\n'), { details: problems })
}
