import { VigilError } from '../errors.ts'
import {
  type BudgetDocument,
  type BudgetPatch,
  budgetAliases,
  budgetPatchSchema,
  budgetSchema,
  limitRows,
  ofEscalation,
} from './budget.ts'
import { describeFound, issueProblems, type ManifestProblem } from './problems.ts'
import { canonicalBudget, isPlainObject, type SpellingProblem } from './spelling.ts'

const fields = (): string[] => [...Object.keys(budgetPatchSchema.shape), ...Object.keys(budgetAliases)]

/**
 * Limits that an operator lays over a manifest.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD with every problem in `details`
 */
export function checkBudgetPatch(raw: unknown): BudgetPatch {
  if (!isPlainObject(raw))
    throw new VigilError('INVALID_CONFIG', `expected fields of a budget, found ${describeFound(raw)}`)
  const clashes: SpellingProblem[] = []
  const parsed = budgetPatchSchema.safeParse(canonicalBudget(raw, clashes))
  const problems = [
    ...clashes.map(({ path, expected, found }) => problemAt(path.slice(1), `expected ${expected}, found ${found}`)),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => issueProblems(issue, raw, fields))),
  ]
  const [first] = problems
  if (first === undefined && parsed.success) return parsed.data
  const details = problems.map(({ path, message, hint }) => ({
    path: path.join('.'),
    message,
    ...(hint === undefined ? {} : { hint }),
  }))
  throw new VigilError(first?.code ?? 'INVALID_CONFIG', `${first?.path.join('.')}: ${first?.message}`, { details })
}

/** The purse of a fleet: it has no turns, and no limit that is not written. */
export function checkFleetBudget(
  raw: unknown,
):
  | { readonly ok: true; readonly budget: BudgetDocument }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] } {
  const whole = { budget: raw }
  const clashes: SpellingProblem[] = []
  const parsed = budgetSchema.safeParse(canonicalBudget(raw, clashes))
  const problems = clashes.map(({ path, expected, found }) => problemAt(path, `expected ${expected}, found ${found}`))
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ ...issue, path: ['budget', ...issue.path] }))
    problems.push(...issues.flatMap((issue) => issueProblems(issue, whole, fields)))
    return { ok: false, problems }
  }
  for (const { field, per } of limitRows)
    if (per === 'turn' && parsed.data[field] !== undefined)
      problems.push(
        problemAt(
          ['budget', field],
          'expected limits per hour, day or month, found one of a turn, which each agent has of its own',
        ),
      )
  for (const { path, expected, found } of ofEscalation(parsed.data))
    problems.push(problemAt(['budget', ...path], `expected ${expected}, found ${found}`))
  return problems.length === 0 ? { ok: true, budget: { ...parsed.data, unlimited: true } } : { ok: false, problems }
}

const problemAt = (path: ManifestProblem['path'], message: string): ManifestProblem => ({
  code: 'INVALID_CONFIG',
  path,
  message,
})
